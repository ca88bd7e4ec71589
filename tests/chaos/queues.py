"""How many bytes of a TCP connection are still on their way, at either end."""

import fcntl
import socket
import struct
import termios
from pathlib import Path

# From Linux' <linux/sockios.h>: bytes not yet acknowledged by the other end. The same number as
# termios has for the output queue of a terminal.
SIOCOUTQ = termios.TIOCOUTQ

# From <net/tcp_states.h>, as /proc/net/tcp shows them: established, closed by the other end alone.
READING = frozenset({"01", "08"})

Ends = tuple[str, str]


def ends_of(connection: socket.socket) -> Ends:
    """Return the far and the near end of an IPv4 connection, as the far end's /proc/net/tcp names
    them: its local address, its remote address."""
    return _hexadecimal(connection.getpeername()), _hexadecimal(connection.getsockname())


def _hexadecimal(address: tuple[str, int]) -> str:
    host, port = address
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"


def unacknowledged(connection: socket.socket) -> int:
    """Return how many bytes were sent and not acknowledged by the other end's system."""
    buffer = fcntl.ioctl(connection, SIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", buffer)[0])


def unread(process: int | None = None) -> dict[Ends, int]:
    """Return how many bytes have arrived and wait to be read, for each connection in the network of
    this process, or of the one named, whose owner can still read them."""
    found = {}
    for line in Path(f"/proc/{process or 'self'}/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split(maxsplit=5)
        if state in READING:
            found[local, remote] = int(queues.partition(":")[2], 16)
    return found
