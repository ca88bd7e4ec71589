"""A web server that is followed, and birds that are written in the order of their keys."""

import contextlib
import datetime
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from birdwatcher.birds.models import Bird, Species
from birdwatcher.feed.reader import HEARTBEAT
from birdwatcher.live.hub import Hub
from birdwatcher.live.page_consumer import PageConsumer
from birdwatcher.live.program_consumer import ProgramConsumer
from birdwatcher.nodes.models import Node
from tests.support.follower import Follower, ProgramFollower
from tests.support.processes import Program
from tests.support.program import token_of
from tests.support.waiting import STARTING, STOPPING, wait_until

NOON = datetime.datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Web:
    """The web server, and somebody who may see birds."""

    address: str
    program: Program
    cookie: str

    def follow(self, query: str = "", **options: object) -> Follower:
        """Follow the birds."""
        return Follower(self.address, query=query, **{"cookie": self.cookie, **options})

    def follow_from_now(self, query: str = "", **options: object) -> Follower:
        """Follow the birds, and wait until the first sign of life: what comes now will be told."""
        follower = self.follow(query, **options)
        follower.read("heartbeat")
        return follower

    def told(self, query: str = "", **options: object) -> ProgramFollower:
        """Follow the birds as a program, with the token of somebody who may see birds."""
        token = options.pop("token", None)
        secret = token_of("viewer") if token is None else str(token)
        return ProgramFollower(self.address, token=secret, query=query, **options)


class Field:
    """Two nodes and two species, and birds of them: the first of both, the second of both, …"""

    def __init__(self) -> None:
        self.nodes = [
            Node.objects.create(
                name=f"Moor {port}", ip_address="10.0.3.2", port=port, enabled=False
            )
            for port in (1, 2)
        ]
        self.species = [Species.objects.create(name=name) for name in ("Robin", "Wren")]
        self._count = 0

    def hear(self, count: int = 1, name_length: int = 0) -> list[Bird]:
        """Write the next birds, in one transaction; names are filled up to `name_length`."""
        numbers = range(self._count, self._count + count)
        self._count += count
        return Bird.objects.bulk_create(
            Bird(
                timestamp=NOON + datetime.timedelta(seconds=number),
                name=f"#{number}".ljust(name_length, "~"),
                species=self.species[number % 2],
                node=self.nodes[number % 2],
            )
            for number in numbers
        )


@contextlib.contextmanager
def served_here(port: int, *, heartbeat: float = HEARTBEAT, **limits: float) -> Iterator[str]:
    """Serve the live feed alone, in a thread, with limits of its own; yields host and port."""
    hub = Hub(1000, heartbeat)
    feeds = {
        "/live/birds": PageConsumer.as_asgi(hub=hub, **limits),
        "/api/v1/live": ProgramConsumer.as_asgi(hub=hub, **limits),
    }

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await feeds[scope["path"]](scope, receive, send)

    config = uvicorn.Config(application, port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, timeout=STARTING, message="the server has started")
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(STOPPING)
