"""What every kind of source is to the node process, and the node process to it."""

from typing import Protocol

from nodeproc.limits import NodeLimits
from nodeproc.states import NodeState
from nodeproc.wire.messages import Batch, NodeSpec


class Source(Protocol):
    """Talks to one device for as long as the process lives."""

    async def run(self) -> None:
        """Stay connected until cancelled."""

    def hold(self) -> None:
        """Take nothing from the device for now: backpressure. Repeating it does no harm."""

    def go_on(self) -> None:
        """Take from the device again. Repeating it does no harm."""

    def halt(self, why: str) -> None:
        """Take nothing from the device until this is called with an empty reason; show the reason
        in its state."""

    def configure(self, spec: NodeSpec) -> None:
        """Take the device's new name and limits; go on at its address if that is another."""

    def adjust(self, limits: NodeLimits) -> None:
        """Keep to these limits from now on."""

    def disconnect(self, why: str) -> None:
        """Leave the device, if it is connected, with nothing more read."""

    def committed(self, position: int) -> None:
        """Take note that the batches up to this position are in the database: only now may they be
        acknowledged to the device."""


class SourceOwner(Protocol):
    """What a source reports to: the node process."""

    def state_entered(
        self, state: NodeState, *, error: str = "", next_try: float | None = None
    ) -> None:
        """Take note of the source's new state.

        `error`: why it is not connected; `next_try`: when it tries again, in epoch seconds.
        """

    def batch_received(self, batch: Batch) -> int:
        """Retain a batch until it is committed; return its position. Positions only grow."""
