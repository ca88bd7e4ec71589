"""Birds for the tests of pages: counted as the writer counts them, some of them awkward."""

import datetime
import random
from collections.abc import Iterable

from django.db import transaction

from birdwatcher.birds import removal
from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node
from birdwatcher.rollups import counting

NOON = datetime.datetime(2025, 6, 1, 12, 0, 0, 123456, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
NAMES = ("Alice", "alba", "Bob", "Zoë", "100% sure", "a_b", "=1+1")


def insert(birds: Iterable[Bird]) -> list[Bird]:
    """Insert birds, and count them."""
    with transaction.atomic():
        made = Bird.objects.bulk_create(birds)
        counting.count(made)
    return made


def make_nodes(count: int) -> list[Node]:
    """Make nodes called N1, N2, …"""
    return [
        Node.objects.create(name=f"N{number}", ip_address="::1", port=number)
        for number in range(1, count + 1)
    ]


def make_species(*names: str) -> list[Species]:
    """Make species."""
    return [Species.objects.create(name=name) for name in names]


def make_flock(seed: int, count: int) -> list[Bird]:
    """Make birds of three nodes and three species, within two days.

    Many of the same moment, some with a doubtful time; one species is rare at one node.
    """
    chance = random.Random(seed)  # noqa: S311
    nodes, species = make_nodes(3), make_species("Wren", "Robin", "Dodo")

    def bird() -> Bird:
        node = chance.choice(nodes)
        rare = node is nodes[0] and chance.random() < 0.9
        doubtful = chance.random() < 0.1
        ago = datetime.timedelta(hours=chance.randrange(48), minutes=chance.choice((0, 0, 7)))
        return Bird(
            timestamp=datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
            if doubtful and chance.random() < 0.5
            else NOON - ago,
            name=f"{chance.choice(NAMES)} {chance.randrange(30)}",
            species=species[0] if rare else chance.choice(species),
            node=node,
            doubtful=doubtful,
        )

    return insert(bird() for _ in range(count))


def remove(node: Node) -> None:
    """Delete a node, as the admin and the API do."""
    removal.clear_node(node)
    node.delete()
