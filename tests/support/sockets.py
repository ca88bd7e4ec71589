"""What the system knows of TCP sockets, beyond what psutil tells."""

from pathlib import Path


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
