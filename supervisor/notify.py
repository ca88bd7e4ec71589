"""Messages to the service manager, in the protocol of sd_notify(3).

Datagrams of `NAME=value` lines to the Unix socket that systemd names in `NOTIFY_SOCKET`. Without
one, as in a terminal, nothing here does anything. Nothing waits: a datagram that cannot be sent now
is dropped, and the next one repeats what matters.
"""

import contextlib
import os
import re
import socket
import time
from collections.abc import MutableMapping

START_EXTENSION = 30.0  # seconds more to start, while the reason for waiting is known


class Notifier:
    """The connection to the service manager, if there is one."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Read and remove systemd's variables in `environ`: they are for this process only."""
        self._ready = False
        address = environ.pop("NOTIFY_SOCKET", "")
        # A path; or a name in Linux's abstract namespace, which is written with an @ in front.
        self._address = re.sub("^@", "\0", address) if address[:1] in {"/", "@"} else ""
        usec = environ.pop("WATCHDOG_USEC", "")
        pid = environ.pop("WATCHDOG_PID", str(os.getpid()))
        watched = self._address and usec.isdigit() and pid == str(os.getpid())
        # `beat` must be called at least once in this many seconds; None if there is no watchdog.
        self.watchdog: float | None = int(usec) / 1e6 if watched else None

    def ready(self) -> None:
        """Send with every message from now on that the daemon is ready."""
        self._ready = True

    def say(self, status: str) -> None:
        """Show `status`, one line, in `systemctl status`."""
        self._send(f"STATUS={status}")

    def beat(self) -> None:
        """Show the watchdog that all is well."""
        self._send("WATCHDOG=1")

    def starting(self) -> None:
        """Ask for more time to start."""
        self._send(f"EXTEND_TIMEOUT_USEC={START_EXTENSION * 1e6:.0f}")

    def reloading(self) -> None:
        """Send that the configuration is being read again; the next message ends that."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}", ready=False)

    def stopping(self, seconds: float) -> None:
        """Send that the daemon is stopping, which may take `seconds`."""
        self._ready = False
        self._send(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={seconds * 1e6:.0f}")

    def _send(self, text: str, *, ready: bool = True) -> None:
        if not self._address:
            return
        if ready and self._ready:
            text = f"READY=1\n{text}"
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(text.encode(errors="replace"), self._address)
