"""A service manager's end of the notification socket, as systemd has it."""

import contextlib
import os
import socket
import tempfile
from pathlib import Path


class Manager:
    """Receives what a program under it says, and remembers it."""

    def __init__(self, watchdog: float | None = None) -> None:
        """`watchdog`: seconds within which the program is asked for a sign of life."""
        # Not in the test's own directory: the address of a Unix socket has 107 bytes at most.
        self._directory = tempfile.TemporaryDirectory(prefix="bw-notify-")
        self._path = Path(self._directory.name) / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(os.fspath(self._path))
        self._socket.setblocking(False)
        self._watchdog = watchdog
        self._said: list[tuple[str, str]] = []

    @property
    def env(self) -> dict[str, str]:
        """What the program finds in its environment."""
        env = {"NOTIFY_SOCKET": os.fspath(self._path)}
        if self._watchdog:
            env["WATCHDOG_USEC"] = f"{self._watchdog * 1e6:.0f}"
        return env

    def said(self) -> list[tuple[str, str]]:
        """Return everything that was said so far, name and value, in order."""
        with contextlib.suppress(BlockingIOError):
            while True:
                lines = self._socket.recv(65536).decode().splitlines()
                self._said += [
                    (name, value) for name, _, value in (x.partition("=") for x in lines)
                ]
        return self._said

    def values(self, name: str) -> list[str]:
        """Return every value that `name` had so far, in order."""
        return [value for what, value in self.said() if what == name]

    def status(self) -> str:
        """Return what the program says of itself now."""
        return (self.values("STATUS") or [""])[-1]

    def close(self) -> None:
        """Remove the socket."""
        self._socket.close()
        self._directory.cleanup()
