"""Finding the packet that kills its process.

When a node's process has crashed, its next one takes notes: before it parses a packet, it writes it
to memory that it shares with the supervisor. If it crashes too, the note tells on which packet, and
from then on that packet is rejected unread. A process that follows no crash takes no notes and
loses no time.
"""

import mmap
import struct
from collections.abc import Collection

from nodeproc.sources.tcp.events import InvalidPacketError, parse_event
from nodeproc.wire.messages import Event
from nodeproc.wire.reasons import Reason

LENGTH = struct.Struct("<I")


class Note:
    """Room for one packet, in memory that outlives the process that writes it."""

    def __init__(self, longest: int) -> None:
        """`longest`: the longest packet, in bytes. To be made before the fork."""
        self._memory = mmap.mmap(-1, LENGTH.size + longest)

    def write(self, packet: bytes) -> None:
        """Note the packet that is about to be parsed, unless it has no room here: the longest
        packet allowed may have grown since."""
        if LENGTH.size + len(packet) > len(self._memory):
            return
        self._memory[LENGTH.size : LENGTH.size + len(packet)] = packet
        self._memory[: LENGTH.size] = LENGTH.pack(len(packet))

    def clear(self) -> None:
        """It was parsed, and nothing happened."""
        self._memory[: LENGTH.size] = bytes(LENGTH.size)

    def read(self) -> bytes:
        """Return the packet that was being parsed, or nothing."""
        (length,) = LENGTH.unpack_from(self._memory)
        return self._memory[LENGTH.size : LENGTH.size + length]


class Guard:
    """Parses packets like `parse_event`, taking notes, and without those known to kill."""

    def __init__(self, note: Note, killers: Collection[bytes]) -> None:
        self._note = note
        self._killers = frozenset(killers)

    def parse_event(self, packet: bytes) -> Event:
        """Return the event of one packet. Raises InvalidPacketError."""
        if packet in self._killers:
            raise InvalidPacketError(Reason.KILLED_PROCESS)
        self._note.write(packet)
        try:
            return parse_event(packet)
        finally:
            self._note.clear()
