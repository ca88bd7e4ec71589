"""One end of a pipe between two processes, served by the event loop.

The supervisor uses one for each child, and each node process one for its parent. Nothing here ever
blocks. What is sent in one turn of the loop leaves in as few system calls as possible.
"""

import asyncio
import itertools
import os
import socket
from collections import deque
from multiprocessing.connection import Connection
from typing import Protocol

from nodeproc.wire.frames import Frame, FrameReader

READ_SIZE = 256 * 1024
BUFFERS_PER_CALL = 256  # well under IOV_MAX


class ChannelOwner(Protocol):
    """The object whose pipe end a channel serves."""

    def frame_arrived(self, frame: Frame) -> None:
        """Take a frame from the other end."""

    def pipe_closed(self) -> None:
        """Take note, once, that the other end is gone and everything it had sent has arrived."""

    def pipe_drained(self) -> None:
        """Take note that the last byte that could not be sent at once has left."""


class Channel:
    """A non-blocking, framed, duplex pipe end.

    The sender keeps `buffered` bounded: it looks before it sends.
    """

    def __init__(self, connection: Connection, owner: ChannelOwner) -> None:
        """Take over the pipe end `connection`, which is closed; needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._socket.setblocking(False)
        connection.close()
        self._owner = owner
        self._frames = FrameReader()
        self._queue: deque[bytes | memoryview] = deque()
        self._flushing = False  # something is queued, and on its way
        self._waiting = False  # for room in the pipe
        self._reading = False
        self._closed = False
        self._eof = False
        self.buffered = 0  # bytes waiting to be sent
        self.resume_reading()

    @property
    def takes(self) -> bool:
        """Whether what is sent may still arrive."""
        return not (self._closed or self._eof)

    def send(self, raw: bytes) -> None:
        """Queue one frame's bytes, to leave together with what else is sent in this turn.

        Dropped if the other end is gone, of which `pipe_closed` informs the owner.
        """
        if self._queue_up(raw) and not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def send_now(self, raw: bytes) -> None:
        """Send one frame at once if nothing else waits, which saves a turn of the loop."""
        if self._queue_up(raw) and not self._flushing:
            self._flushing = True
            self._push()

    def _queue_up(self, raw: bytes) -> bool:
        if not self.takes:
            return False
        self._queue.append(raw)
        self.buffered += len(raw)
        return True

    def drop_unsent(self) -> None:
        """Forget everything that has not been sent; only while no frame is half sent, or after the
        other end is gone."""
        self._queue.clear()
        self.buffered = 0

    def pause_reading(self) -> None:
        """Stop reading: the other end will find the pipe full."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket)

    def resume_reading(self) -> None:
        """Read again."""
        if not (self._reading or self._closed or self._eof):
            self._reading = True
            self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Close this end; drop what was not sent, and report nothing more."""
        if not self._closed:
            self.pause_reading()
            self._loop.remove_writer(self._socket)
            self._closed = True
            self.drop_unsent()
            self._socket.close()

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # reset: it was closed with something of ours unread
            data = b""
        if not data:
            self.pause_reading()
            self._eof = True
            self.drop_unsent()
            self._owner.pipe_closed()
            return
        for frame in self._frames.feed(data):
            if self._closed:
                return
            self._owner.frame_arrived(frame)

    def _flush(self) -> None:
        if not self._closed and self._push():
            self._owner.pipe_drained()

    def _push(self) -> bool:
        """Send as much as the pipe takes; return whether that was all."""
        while self._queue:
            try:
                sent = self._socket.sendmsg(itertools.islice(self._queue, BUFFERS_PER_CALL))
            except (BlockingIOError, InterruptedError):
                if not self._waiting:
                    self._waiting = True
                    self._loop.add_writer(self._socket, self._flush)
                return False
            except OSError:  # the other end is gone; reading finds that out, in order
                self.drop_unsent()
                break
            self._forget(sent)
        self._flushing = False
        if self._waiting:
            self._waiting = False
            self._loop.remove_writer(self._socket)
        return True

    def _forget(self, sent: int) -> None:
        """Take `sent` bytes off the queue."""
        self.buffered -= sent
        while sent:
            first = self._queue.popleft()
            if sent < len(first):
                self._queue.appendleft(memoryview(first)[sent:])
                return
            sent -= len(first)
