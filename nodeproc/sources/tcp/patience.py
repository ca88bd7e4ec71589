"""How long a packet may take: between two of its bytes, and from its first to its last.

Pure; times are monotonic seconds. The time in which we do not read does not count: then it is not
the node that is slow.
"""

from nodeproc.limits import NodeLimits

# Seconds between two looks while nothing is read, when no time passes by this measure.
PAUSED = 1.0


class Patience:
    """The clock of the packet that has begun and is not yet complete."""

    def __init__(self) -> None:
        self._begun_at = self._read_at = 0.0
        self._paused_at: float | None = None

    def read(self, now: float, *, begins: bool) -> None:
        """Take note of some of its bytes, of the first if it `begins`."""
        self._read_at = now
        if begins:
            self._begun_at = now

    def pause(self, now: float) -> None:
        """Stop the clock. Repeating it does no harm."""
        if self._paused_at is None:
            self._paused_at = now

    def resume(self, now: float) -> None:
        """Let the clock go on. Repeating it does no harm."""
        if self._paused_at is not None:
            away = now - self._paused_at
            self._paused_at = None
            self._begun_at += away
            self._read_at += away

    def left(self, limits: NodeLimits, now: float) -> float:
        """Return the seconds until it has to be looked at again; 0 or less if it is too slow."""
        if self._paused_at is not None:
            return PAUSED
        return (
            min(self._read_at + limits.stall_timeout, self._begun_at + limits.packet_timeout) - now
        )

    def complaint(self, limits: NodeLimits, now: float) -> str:
        """Return why it is too slow."""
        if now - self._read_at >= limits.stall_timeout:
            return f"a packet stalled half-way for {limits.stall_timeout:g} s"
        return f"a packet took more than {limits.packet_timeout:g} s to arrive"
