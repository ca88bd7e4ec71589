"""A journal of the tests' own: its socket, and a decoder of the native protocol.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
"""

import select
import socket
import struct
from pathlib import Path

from tests.support.waiting import DeadlineMissedError

LARGEST = 1024 * 1024  # bytes of a datagram

Entry = dict[str, str]


class Journal:
    """Listens at `path` as journald does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.open()

    def open(self) -> None:
        """Listen (again)."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)

    def read(self) -> Entry | None:
        """Return the next entry, if there is one."""
        try:
            return decode(self._socket.recv(LARGEST))
        except BlockingIOError:
            return None

    def read_all(self) -> list[Entry]:
        """Return all entries that are there."""
        entries = []
        while (entry := self.read()) is not None:
            entries.append(entry)
        return entries

    def wait(self, seconds: float = 5.0) -> Entry:
        """Return the next entry, as soon as there is one."""
        if not select.select([self._socket], [], [], seconds)[0]:
            raise DeadlineMissedError(f"no entry within {seconds:g} s")
        entry = self.read()
        assert entry is not None
        return entry

    def close(self) -> None:
        """End as if systemd had taken the socket away."""
        self._socket.close()
        self.path.unlink(missing_ok=True)


def decode(datagram: bytes) -> Entry:
    """Return the fields of one entry."""
    entry = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, simple, value = line.partition(b"=")
        if not simple:
            (length,) = struct.unpack_from("<Q", rest)
            value, end, rest = (
                rest[8 : 8 + length],
                rest[8 + length : 9 + length],
                rest[9 + length :],
            )
            assert end == b"\n"
        entry[name.decode()] = value.decode()
        datagram = rest
    return entry
