"""The node protocol's framing: what a node's TCP connection carries.

A packet is a 32-bit unsigned little-endian length, then that many bytes: one UTF-8 JSON object
(see `nodeproc.sources.tcp.events`).
"""

import struct
from collections.abc import Iterator

LENGTH = struct.Struct("<I")


class FramingError(Exception):
    """An impossible length: it is no longer known where the next packet begins."""

    def __init__(self, length: int, limit: int) -> None:
        # Without the length itself, so that repeats can be folded.
        super().__init__(f"a packet length that cannot be true (allowed: 1 to {limit})")
        self.length = length


class PacketSplitter:
    """Splits a stream of bytes into packets, wherever the reads cut it."""

    def __init__(self, limit: int) -> None:
        """`limit`: the longest packet taken, in bytes, its length field not counted."""
        self._limit = limit
        self._rest = b""

    @property
    def pending(self) -> bytes:
        """The first bytes of a packet that is not yet complete, its length included."""
        return self._rest

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the packets that `data` completes; to be iterated to its end.

        Raises FramingError at an impossible length, after the packets before it. After that, the
        connection cannot be used.
        """
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while end - at >= LENGTH.size:
            (length,) = LENGTH.unpack_from(data, at)
            if not 0 < length <= self._limit:
                raise FramingError(length, self._limit)
            start = at + LENGTH.size
            at_next = start + length
            if at_next > end:
                break
            yield data[start:at_next]
            at = at_next
        self._rest = data[at:]
