"""The writer's end of its pipe: frames from the supervisor, awaited together with the database."""

import os
import select
import signal
import socket
from multiprocessing.connection import Connection

from nodeproc.wire.frames import Frame, FrameReader

READ_SIZE = 1024 * 1024
SEND_TIMEOUT = 30.0  # seconds; the supervisor always reads, unless it is stopped or hangs


class Inbox:
    """Everything the writer waits for, in one poll: the pipe, a signal, the database."""

    def __init__(self, connection: Connection) -> None:
        """Take over the pipe end; SIGTERM sets `stopping` from now on."""
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._socket.settimeout(SEND_TIMEOUT)
        connection.close()
        self._frames = FrameReader()
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._woken, wake = socket.socketpair()
        for end in (self._woken, wake):
            end.setblocking(False)
        self._wake = wake  # kept: the descriptor must stay open
        self._poll.register(self._woken, select.POLLIN)
        self.stopping = False  # asked to end
        self.orphaned = False  # the supervisor is gone
        signal.signal(signal.SIGTERM, self._terminated)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)

    def _terminated(self, *_: object) -> None:
        self.stopping = True

    @property
    def ending(self) -> bool:
        """Whether the writer has to commit what it has and end."""
        return self.stopping or self.orphaned

    def wait(self, seconds: float, database: int | None = None, *, pipe: bool = True) -> None:
        """Wait until there is a frame or a signal, or the descriptor `database` is readable.

        Without `pipe`, frames are left in the pipe for now: backpressure.
        """
        if database is not None:
            self._poll.register(database, select.POLLIN)
        if not pipe:
            self._poll.unregister(self._socket)
        try:
            ready = dict(self._poll.poll(seconds * 1000))
        finally:
            if database is not None:
                self._poll.unregister(database)
            if not pipe:
                self._poll.register(self._socket, select.POLLIN)
        if self._woken.fileno() in ready:
            self._woken.recv(READ_SIZE)

    def take(self, room: int) -> list[Frame]:
        """Return the frames that are here now, without waiting for more: about `room` bytes."""
        frames: list[Frame] = []
        taken = 0
        while taken < room:
            try:  # a socket with a timeout does not block, and its own `recv` would ask first
                data = os.read(self._socket.fileno(), READ_SIZE)
            except BlockingIOError:
                break
            except ConnectionResetError:
                data = b""
            if not data:
                self.orphaned = True
                break
            taken += len(data)
            frames.extend(self._frames.feed(data))
        return frames

    def send(self, raw: bytes) -> None:
        """Send one frame to the supervisor; if it is gone, set `orphaned`."""
        try:
            self._socket.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            self.orphaned = True
