"""What goes before frames, so that the writer takes them: the beginning of a stream, or a gap."""

from nodeproc.wire.frames import Kind, pack
from nodeproc.wire.subjects import Origin


class Introduction:
    """Knows which frame the writer expects, by what was sent to it."""

    def __init__(self, origin: Origin, generation: int = 0) -> None:
        """`generation`: of the writer that the frames go to."""
        self._origin = origin
        self._generation = generation
        self._stream: int | None = None
        self._following = 0

    def begin(self, generation: int) -> None:
        """Have nothing sent, to the writer of this generation."""
        self._generation, self._stream = generation, None

    def of(self, stream: int, sequence: int) -> bytes:
        """Return what has to be sent before this frame, which is sent then: mostly nothing.

        Frames that are missing between the last one and this do not exist any more: they were
        damaged, or were acknowledged meanwhile.
        """
        before, expected = self._stream, self._following
        self._stream, self._following = stream, sequence + 1
        if stream != before:
            return self._pack(Kind.RESUME, self._generation, stream, sequence)
        if sequence > expected:
            return self._pack(Kind.GAP, expected, stream, sequence - 1)
        return b""

    def _pack(self, kind: Kind, value: int, stream: int, sequence: int) -> bytes:
        return pack(kind, value, origin=self._origin, stream=stream, sequence=sequence)
