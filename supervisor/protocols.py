"""What the parts of the supervisor report to each other, by the names of the events."""

from typing import Protocol

from nodeproc.wire.frames import Frame


class ChildOwner(Protocol):
    """The object that a forked process belongs to."""

    def child_sent(self, frame: Frame) -> None:
        """Take a frame from the process."""

    def child_drained(self) -> None:
        """Take note that everything that had to wait has gone to the process."""

    def child_ended(self, code: int) -> None:
        """Take note, once, that the process is dead and its pipe is drained."""


class WriterOwner(Protocol):
    """The supervisor, to which the link to the writer reports."""

    def writer_sent(self, frame: Frame) -> None:
        """Act on a frame from the writer."""

    def writer_replaced(self, generation: int) -> None:
        """Take note that a writer has taken the place of another."""

    def writer_full(self) -> None:
        """Hold the node processes back: too much is on its way to the writer."""

    def writer_drained(self) -> None:
        """Let the node processes go on."""

    def situation_changed(self) -> None:
        """Take note that the writer lost its database, or has it again."""


class FleetOwner(Protocol):
    """The supervisor, to which the fleet of node processes reports."""

    def situation_changed(self) -> None:
        """Take note that the state of a node changed."""


class ToWriter(Protocol):
    """Takes what goes to the writer."""

    def offer(self, raw: bytes) -> None:
        """Send one frame that will soon be outdated, unless others are waiting to be sent."""

    def send(self, raw: bytes) -> None:
        """Send one frame."""
