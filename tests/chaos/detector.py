"""A node of the load: it listens on two ports, and talks to every client until it is told not to.

All of it runs in the event loop of the load; `Load.call` gets there from outside. Two ports, so
that the node's address can be edited while the node itself goes on.
"""

import asyncio
import contextlib
import itertools
import random
import socket
from collections.abc import Callable, Iterator

from tests.chaos.connection import Connection, Ending
from tests.chaos.events import packet_of
from tests.chaos.pace import Pace, portions
from tests.support.fieldnode import Listener, reset_on_close

SEND_BUFFER = 256 * 1024

# Makes a TCP socket; in another network namespace, for some.
SocketFactory = Callable[[], socket.socket]


class Detector(Listener):
    """A bird detector under the load's control."""

    def __init__(
        self,
        number: int,
        host: str,
        ports: tuple[int, int],
        pace: Pace,
        *,
        seed: int,
        new_socket: SocketFactory = socket.socket,
    ) -> None:
        """`number` is in each of its events. Nothing listens before `listen`."""
        super().__init__(host, *ports)
        self.number = number
        self.pace = pace
        self.connections: list[Connection] = []  # ever made, oldest first
        self.label = 0  # of the packets that are sent from now on
        self.row = 0  # primary key in the node table
        self.failure: BaseException | None = None  # a bug of the load
        self._dooming: int | None = None
        self._stalling = 0.0  # seconds
        self._serials = itertools.count()
        self._random = random.Random(f"{seed}:{number}")  # noqa: S311 nothing secret
        self.new_socket = new_socket
        self._talks: dict[Connection, asyncio.Task[None]] = {}
        self._hurry = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()

    def open(self) -> list[Connection]:
        """Return the connections that are up."""
        return [it for it in self.connections if it.ending is Ending.OPEN]

    # Listening

    def make_socket(self) -> socket.socket:
        """Return a socket on which what the daemon does not read is felt soon, as on each of its
        connections."""
        made = self.new_socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        return made

    def listen(self) -> None:
        """Listen on both ports (again)."""
        super().listen()
        for listener in self.listening:
            asyncio.get_running_loop().add_reader(listener, self._meet)

    def refuse(self) -> None:
        """Stop listening; connections that are up stay up."""
        for listener in self.listening:
            asyncio.get_running_loop().remove_reader(listener)
        super().refuse()

    def _meet(self) -> None:
        for accepted in self.accept():
            try:
                connection = Connection(accepted)
            except OSError:  # it was gone before it was looked at
                accepted.close()
            else:
                self._begin(connection)

    def _begin(self, connection: Connection) -> None:
        if self._dooming is not None:  # too young to have anything that must not be lost
            connection.doom(self._dooming, 0.0)
        self.connections.append(connection)
        loop = asyncio.get_running_loop()
        loop.add_reader(connection.socket, self._readable, connection)
        self._talks[connection] = loop.create_task(self._talk(connection))
        self._talks[connection].add_done_callback(self._talked)

    def _talked(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.failure = error

    # Talking

    def hush(self) -> None:
        """Send nothing new from now on; what is begun is sent to its end."""
        self._free.clear()

    def speak(self) -> None:
        """Send again."""
        self._free.set()

    def stall(self, seconds: float) -> None:
        """On every connection: stop for so long in the middle of the next packet."""
        self._stalling = seconds

    def burst(self, count: int) -> None:
        """Send so many packets more, at once."""
        if self._free.is_set():
            for connection, talk in self._talks.items():
                if not talk.done():
                    self._compose(connection, count)
            self._hurry.set()  # wakes those who wait now, and nobody later
            self._hurry.clear()

    def _compose(self, connection: Connection, count: int) -> None:
        for serial in itertools.islice(self._serials, count):
            connection.add(serial, packet_of(self.number, serial), self.label)

    async def _talk(self, connection: Connection) -> None:
        try:
            for count, pause in portions(self.pace, self._random):
                await self._free.wait()
                self._compose(connection, count)
                await self._utter(connection)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), pause)
        except OSError:
            self._end(connection, Ending.BROKEN)

    async def _utter(self, connection: Connection) -> None:
        for left, pause in self._interruptions(connection.pending):
            await self._push(connection, leave=left)
            await asyncio.sleep(pause)
        await self._push(connection)

    def _interruptions(self, pending: int) -> Iterator[tuple[int, float]]:
        """Yield how many bytes are left to send, and how long to wait there."""
        if self.pace is Pace.TORN:
            yield pending * 2 // 3, self._random.uniform(0, 0.02)
            yield pending // 3, self._random.uniform(0, 0.02)
        if self._stalling:
            seconds, self._stalling = self._stalling, 0.0
            yield 7, seconds  # shorter than any packet

    async def _push(self, connection: Connection, *, leave: int = 0) -> None:
        loop = asyncio.get_running_loop()
        while not connection.push(leave=leave):
            writable = loop.create_future()
            loop.add_writer(connection.socket, _set, writable)
            try:
                await writable
            finally:
                if connection.ending is Ending.OPEN:
                    loop.remove_writer(connection.socket)

    # Endings

    def reset(self) -> None:
        """Break every connection (RST)."""
        for connection in self.open():
            reset_on_close(connection.socket)
            self._end(connection, Ending.BROKEN)

    def finish(self) -> None:
        """End every connection in good order, in the middle of a packet if one is under way."""
        for connection in self.open():
            self._talks[connection].cancel()
            with contextlib.suppress(OSError):
                connection.finish()

    def doom(self, label: int, seconds: float) -> None:
        """The daemon's process for this node is about to be killed; see `Connection.doom`."""
        self._dooming = label
        for connection in self.connections:
            connection.doom(label, seconds)

    def spare(self) -> None:
        """It has been killed."""
        self._dooming = None

    def close(self) -> None:
        """End everything."""
        self.refuse()
        for connection in self.open():
            self._end(connection, Ending.BROKEN)

    def _readable(self, connection: Connection) -> None:
        """The daemon sends nothing: this is the end."""
        try:
            data = connection.socket.recv(1)
        except BlockingIOError:
            return
        except OSError:
            self._end(connection, Ending.BROKEN)
            return
        if not data:
            self._end(connection, Ending.CLOSED)

    def _end(self, connection: Connection, ending: Ending) -> None:
        if connection.ending is not Ending.OPEN:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(connection.socket)
        loop.remove_writer(connection.socket)
        connection.ended(ending)
        self._talks.pop(connection).cancel()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
