"""Sockets beyond what Python and psutil offer: what waits in them, and those of other networks."""

import ctypes
import socket
import threading
from pathlib import Path

CLONE_NEWNET = 0x40000000  # <linux/sched.h>


def in_network_of(namespace: Path) -> socket.socket:
    """Return a TCP socket that lives in a network namespace, wherever it is used.

    `namespace` is a file such as /proc/4711/ns/net. Raises OSError.
    """
    made: list[socket.socket | OSError] = []

    def make() -> None:
        # Entering a namespace moves one thread; this one ends here, so nobody is left behind.
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            with namespace.open("rb") as file:
                if libc.setns(file.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            made.append(socket.socket())
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def unread_bytes(port: int) -> int:
    """Return how many bytes are on the way to, or not yet read by, the clients of a local port.

    Zero means: everything that was sent from this port has been read by the other side's program.
    """
    total = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        path = Path(table)
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        for line in lines:
            # Number, local address, remote address, state, send queue:receive queue, in hex.
            _, local, remote, _, queues, *_ = line.split()
            sending, receiving = (int(part, 16) for part in queues.split(":"))
            if int(local.rpartition(":")[2], 16) == port:
                total += sending
            if int(remote.rpartition(":")[2], 16) == port:
                total += receiving
    return total
