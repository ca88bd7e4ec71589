"""Honest neighbours: a few nodes that send numbered birds, and what becomes of each bird."""

import time
from datetime import UTC, datetime

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import Node
from tests.support.fieldnode import FieldNode
from tests.support.packets import Sighting, encode
from tests.support.waiting import wait_until

SPECIES = "Erithacus rubecula"
PACE = 0.1  # seconds between two birds of all neighbours together
LOOK = 0.02  # seconds between two looks into the database
ARRIVING = 60.0


class Neighbours:
    """Sends birds of these nodes in turn, and sees when each is in the database."""

    def __init__(self, nodes: dict[int, FieldNode]) -> None:
        """`nodes`: by key; all are connected already."""
        self._nodes = nodes
        self._sent: dict[str, float] = {}  # by name; monotonic seconds
        self._seen: dict[str, float] = {}
        self._began = datetime.now(UTC)
        self.lags: list[float] = []  # seconds, of each bird in turn

    def live(self, seconds: float) -> None:
        """Send at the pace for so long."""
        end = time.monotonic() + seconds
        due = time.monotonic()
        while (now := time.monotonic()) < end:
            if now >= due:
                self._send()
                due += PACE
            self._look()
            time.sleep(LOOK)

    def settle(self) -> None:
        """Wait until every bird is there, and check that each is there once."""

        def all_seen() -> bool:
            self._look()
            return self._seen.keys() == self._sent.keys()

        wait_until(
            all_seen,
            timeout=ARRIVING,
            message=lambda: f"{len(self._sent)} birds, {len(self._seen)} are there",
        )
        self.lags = [seen - self._sent[name] for name, seen in self._seen.items()]
        assert sorted(self._names()) == sorted(self._sent), "each once"

    def _send(self) -> None:
        number = len(self._sent)
        key = list(self._nodes)[number % len(self._nodes)]
        name = f"Neighbour {number}"
        self._sent[name] = time.monotonic()
        self._nodes[key].send_raw(encode(Sighting(datetime.now(UTC), SPECIES, name)))

    def _look(self) -> None:
        now = time.monotonic()
        for name in self._names():
            self._seen.setdefault(name, now)

    def _names(self) -> list[str]:
        found = Bird.objects.filter(node__in=self._nodes, doubtful=False)
        return list(found.filter(timestamp__gte=self._began).values_list("name", flat=True))


def add(number: int, port: int) -> Node:
    """Save one node."""
    return Node.objects.create(name=f"Node {number}", ip_address="127.0.0.1", port=port)
