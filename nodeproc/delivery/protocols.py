"""What the delivery reports to."""

from typing import Protocol

from nodeproc.wire.frames import Frame


class UplinkOwner(Protocol):
    """The node process, whose frames an uplink retains and sends."""

    def supervisor_said(self, frame: Frame) -> None:
        """Act on a frame from the supervisor, of which the uplink has done its own part."""

    def supervisor_gone(self) -> None:
        """Take note that nobody is at the other end of the pipe."""

    def batches_committed(self, position: int) -> None:
        """Take note that what this process received is committed up to this position."""

    def memory_changed(self) -> None:
        """Take note that there is more or less room for what is received."""

    def spooling_tried(self, trouble: str | None) -> None:
        """Take note of an attempt to spool, and why it failed, or None."""
