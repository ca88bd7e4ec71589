"""A link of so many seconds one way: two networks, and a thread that holds every packet back.

It stands at the level of packets, so that the handshake of TCP takes its time too; a listener that
accepts late would not do that, because the system answers for it.
"""

import contextlib
import fcntl
import heapq
import itertools
import os
import select
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

from tests.support.sockets import in_network_of

TUNSETIFF = 0x400454CA  # <linux/if_tun.h>, like
IFF_TUN_NO_PI = 0x1001
LONGEST = 65536  # bytes of a packet
# A block of 198.18.0.0/15 (RFC 2544) that tests.chaos.netns does not use.
NEAR, FAR = "198.19.255.1", "198.19.255.2"


class SlowLink:
    """A link to a network of its own, in which `make_socket` gives a socket at `host`."""

    host = FAR

    def __init__(self, seconds: float) -> None:
        """Make it, with a delay of `seconds` each way. Raises OSError if that is not possible."""
        self._seconds = seconds
        self._name = f"slow{os.getpid()}"
        self._ended = threading.Event()
        self._undo = contextlib.ExitStack()
        try:
            _run("ip", "netns", "add", self._name)
            self._undo.callback(_run, "ip", "netns", "delete", self._name)
            ends = [self._tun(f"near{os.getpid()}"), self._tun(f"far{os.getpid()}")]
            _run("ip", "link", "set", f"far{os.getpid()}", "netns", self._name)
            for inside, end, address in ((), "near", NEAR), (("-n", self._name), "far", FAR):
                device = f"{end}{os.getpid()}"
                _run("ip", *inside, "address", "add", f"{address}/30", "dev", device)
                _run("ip", *inside, "link", "set", device, "up")
        except OSError:
            self._undo.close()
            raise
        thread = threading.Thread(target=self._carry, args=ends, name="slow link", daemon=True)
        thread.start()
        self._undo.callback(thread.join)
        self._undo.callback(self._ended.set)

    def make_socket(self) -> socket.socket:
        """Return a TCP socket at its other end."""
        return in_network_of(Path(f"/run/netns/{self._name}"))

    def remove(self) -> None:
        """Remove it."""
        self._undo.close()

    def _tun(self, name: str) -> int:
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        self._undo.callback(os.close, device)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_NO_PI))
        return device

    def _carry(self, near: int, far: int) -> None:
        """Carry packets between the two devices, each after its delay."""
        other = {near: far, far: near}
        waiting: list[tuple[float, int, int, bytes]] = []
        numbers = itertools.count()
        while not self._ended.is_set():
            readable, _, _ = select.select([near, far], [], [], 0.01)
            now = time.monotonic()
            for device in readable:
                packet = os.read(device, LONGEST)
                item = (now + self._seconds, next(numbers), other[device], packet)
                heapq.heappush(waiting, item)
            while waiting and waiting[0][0] <= now:
                _, _, device, packet = heapq.heappop(waiting)
                with contextlib.suppress(OSError):
                    os.write(device, packet)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
