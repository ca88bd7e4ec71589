"""What a pipe's end reports to."""

from typing import Protocol

from nodeproc.wire.frames import Frame


class ChannelOwner(Protocol):
    """The object whose pipe end a channel serves."""

    def frame_arrived(self, frame: Frame) -> None:
        """Take a frame from the other end."""

    def pipe_closed(self) -> None:
        """Take note, once, that the other end is gone and everything it had sent has arrived."""

    def pipe_drained(self) -> None:
        """Take note that the last byte that could not be sent at once has left."""
