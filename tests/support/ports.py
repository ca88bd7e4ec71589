"""TCP ports for the tests, never the same one for two tests that run at the same time.

A port that the system picks ("bind to 0") lies among those it hands to *outgoing* connections. A
test that stops listening there and listens again a second later may find it taken, and a client
that keeps trying to reach a closed port of that range on its own machine in the end reaches itself.
So ports are taken from below that range: every test process reserves a block of them.
"""

import itertools
import socket
from pathlib import Path

FIRST_PORT = 10_000
BLOCK = 500
ADDRESSES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


def has_ipv6() -> bool:
    """Whether this machine has the IPv6 address ::1."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    for family, address in ADDRESSES if has_ipv6() else ADDRESSES[:1]:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def _first_outgoing_port() -> int:
    ranges = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    return int(ranges.split()[0])


class PortBlock:
    """A block of ports that belongs to this process for as long as it lives."""

    def __init__(self) -> None:
        # The name of an abstract socket is taken by one process at a time and is free again when
        # that process is gone, however it ended: the lock that needs no cleaning up.
        self._lock = socket.socket(socket.AF_UNIX)
        for first in range(FIRST_PORT, _first_outgoing_port() - BLOCK, BLOCK):
            try:
                self._lock.bind(f"\0birdwatcher-test-ports-{first}")
            except OSError:
                continue
            self._ports = itertools.cycle(range(first, first + BLOCK))
            return
        self._lock.close()
        raise RuntimeError("every block of ports is taken by another run of the tests")

    def take(self) -> int:
        """Return a port nobody listens on; it comes round again only after all the others."""
        for port in itertools.islice(self._ports, BLOCK):
            if _is_free(port):
                return port
        raise RuntimeError("no port of this process's block is free")

    def close(self) -> None:
        """Give the block back."""
        self._lock.close()
