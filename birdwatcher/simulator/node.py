"""A simulated node: a TCP server that sends bird events to every client."""

import asyncio
import contextlib
import itertools
import logging
import random
import secrets
from types import TracebackType
from typing import Self

from birdwatcher.simulator.addresses import format_address, unavailable
from birdwatcher.simulator.behaviour import Behaviour
from birdwatcher.simulator.conversation import Send, Silence, Wait, conversation
from birdwatcher.simulator.events import BirdEvent, Clock, EventSource, utc_now

log = logging.getLogger(__name__)

CLOSING_SECONDS = 1.0  # for a client to read the last data when its connection is closed
# Late packets are sent faster only up to here, so that a client that paused gets no burst.
MAX_CATCHING_UP = 0.1  # seconds


class Connection:
    """One client's connection and what was sent over it."""

    def __init__(self, client: str) -> None:
        """`client`: its address, as a person reads it."""
        self.client = client
        self.sent = 0
        """Valid, complete events handed to TCP."""
        self.garbage = 0
        """Everything else handed to TCP: malformed and unfinished packets, impossible lengths."""
        self.events: list[BirdEvent] = []
        """The events sent, if the node records."""


class SimulatedNode:
    """Listens on one address and sends every client bird events; for one event loop."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        behaviour: Behaviour | None = None,
        *,
        seed: int | str | None = None,
        clock: Clock = utc_now,
        record: bool = False,
    ) -> None:
        """Prepare a node; `start` makes it listen.

        host: an IPv4 or IPv6 address.
        port: 0 lets the system choose a free one, which is then in `port`.
        seed: the same seed and port yield the same birds to the first client, to the second, and so
            on; None is a random one.
        clock: returns the aware time that events carry.
        record: keep all connections, closed ones too, and their events; memory grows with them.
        """
        self.host = host
        self.port = port
        self.behaviour = behaviour or Behaviour()
        """May be replaced at any time; a connection keeps the one it began with."""
        self.connections: list[Connection] = []
        """The open connections; if the node records, the closed ones too. Oldest first."""
        self._requested_port = port
        self._seed = secrets.randbits(32) if seed is None else seed
        self._clock = clock
        self._record = record
        self._numbers = itertools.count(1)  # shared by all connections, for unique names
        self._clients = 0
        self._listening = False
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where the node listens, as `host:port`; an IPv6 host in brackets."""
        return format_address(self.host, self.port)

    @property
    def connected(self) -> int:
        """How many clients are connected now."""
        return len(self._tasks)

    @property
    def events(self) -> list[BirdEvent]:
        """All events sent, connection by connection, if the node records."""
        return [event for connection in self.connections for event in connection.events]

    async def start(self) -> None:
        """Listen. After `stop` it can be started again, on the same port.

        Raises AddressUnavailableError.
        """
        self._listening = True
        try:
            self._server = await asyncio.start_server(self._connected, self.host, self.port)
        except OSError as error:
            raise unavailable(error, self.host, self.port) from error
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("node on %s: listening, seed %s", self.address, self._seed)

    async def stop(self) -> None:
        """Stop listening and close every connection, in little more than a second."""
        if self._server is None:
            return
        self._listening = False
        self._server.close()
        await self.drop_clients()
        await self._server.wait_closed()
        self._server = None
        log.info("node on %s: stopped", self.address)

    async def drop_clients(self) -> None:
        """Close every connection and go on listening."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A plain callback that starts a task: a task that asyncio starts cannot be cancelled.
        if not self._listening:  # accepted in the instant in which the node stopped
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            # For a task that was cancelled before its first step; others have closed it already.
            writer.transport.abort()

        task.add_done_callback(ended)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(_peer(writer))
        self.connections.append(connection)
        log.info("node on %s: client %s connected", self.address, connection.client)
        # Reading notices a client that disconnects while nothing is sent.
        talk = asyncio.create_task(self._talk(writer, connection))
        leave = asyncio.create_task(_until_closed(reader))
        try:
            await asyncio.wait((talk, leave), return_when=asyncio.FIRST_COMPLETED)
        finally:
            talk.cancel()
            leave.cancel()
            results = await asyncio.gather(talk, leave, return_exceptions=True)
            await _close(writer)
            if not self._record:
                self.connections.remove(connection)
            self._log_end(connection, results[0])

    def _log_end(self, connection: Connection, result: BaseException | None) -> None:
        log.info(
            "node on %s: client %s disconnected after %d events",
            self.address,
            connection.client,
            connection.sent,
        )
        # Clients may vanish; any other exception is a bug here.
        if isinstance(result, Exception) and not isinstance(result, OSError):
            log.error("node on %s: failed", self.address, exc_info=result)

    async def _talk(self, writer: asyncio.StreamWriter, connection: Connection) -> None:
        behaviour = self.behaviour
        self._clients += 1
        birds, pace, faults = map(self._random, ("birds", "pace", "faults"))
        numbers = self._numbers if behaviour.numbered else None
        source = EventSource(birds, self._clock, numbers)
        loop = asyncio.get_running_loop()
        due = loop.time()
        for step in conversation(behaviour, source, pace, faults):
            match step:
                case Wait(seconds):
                    due = max(due + seconds, loop.time() - MAX_CATCHING_UP)
                    # Even without a pause, so that a fast client does not starve the others.
                    await asyncio.sleep(due - loop.time())
                case Send():
                    await self._send(writer, connection, step)
                case Silence():
                    await loop.create_future()

    def _random(self, purpose: str) -> random.Random:
        seed = f"{self._seed}:{self._requested_port}:{self._clients}:{purpose}"
        return random.Random(seed)  # noqa: S311 nothing secret is drawn from it

    async def _send(self, writer: asyncio.StreamWriter, connection: Connection, step: Send) -> None:
        for piece in step.pieces:
            writer.write(piece)
            if len(step.pieces) > 1:
                await asyncio.sleep(0)
            # Wait while the client does not read, so that nothing is buffered here.
            await writer.drain()
        if step.event is None:
            connection.garbage += 1
            return
        connection.sent += 1
        if self._record:
            connection.events.append(step.event)


def _peer(writer: asyncio.StreamWriter) -> str:
    # None if the client has disconnected already.
    peer = writer.get_extra_info("peername")
    return format_address(peer[0], peer[1]) if peer else "(gone)"


async def _until_closed(reader: asyncio.StreamReader) -> None:
    """Return when the client has closed its side; ignore what it sends."""
    with contextlib.suppress(OSError):
        while await reader.read(1 << 16):
            pass


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close, and give the client CLOSING_SECONDS to read the last data."""
    writer.close()
    with contextlib.suppress(OSError):  # TimeoutError is one too
        async with asyncio.timeout(CLOSING_SECONDS):
            await writer.wait_closed()
