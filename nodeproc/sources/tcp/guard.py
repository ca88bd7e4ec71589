"""Finding the packet that kills its process.

When a node's process has crashed, its next one takes notes: before it parses a packet, it writes it
to memory that it shares with the supervisor. If it crashes too, the supervisor reads there which
packet it was, and from then on that packet is rejected unread. A process that follows no crash
takes no notes and loses no time.
"""

import mmap
import struct
from collections import deque

from nodeproc.sources.tcp.events import InvalidPacketError, parse_event
from nodeproc.wire.messages import Event
from nodeproc.wire.reasons import Reason

LENGTH = struct.Struct("<I")
MAX_KILLERS = 16  # packets that are remembered


class Guard:
    """Parses a node's packets, except those known to kill; notes which one it is parsing."""

    def __init__(self, longest: int) -> None:
        """`longest`: the longest packet, in bytes. To be made before the fork."""
        self._note = mmap.mmap(-1, LENGTH.size + longest)
        self._killers: deque[bytes] = deque(maxlen=MAX_KILLERS)

    def parse_event(self, packet: bytes) -> Event:
        """Return the event of one packet. Raises InvalidPacketError."""
        if packet in self._killers:
            raise InvalidPacketError(Reason.KILLED_PROCESS)
        if LENGTH.size + len(packet) <= len(self._note):  # the longest packet may have grown since
            self._note[LENGTH.size : LENGTH.size + len(packet)] = packet
            self._note_length(len(packet))
        try:
            return parse_event(packet)
        finally:
            self._note_length(0)

    def learn(self) -> bytes | None:
        """Return the packet that the process, now dead, was parsing; None if it was parsing none.

        Later processes reject it. For the supervisor, after the process has ended.
        """
        (length,) = LENGTH.unpack_from(self._note)
        if not length:
            return None
        packet = self._note[LENGTH.size : LENGTH.size + length]
        self._note_length(0)
        self._killers.append(packet)
        return packet

    def _note_length(self, length: int) -> None:
        self._note[: LENGTH.size] = LENGTH.pack(length)
