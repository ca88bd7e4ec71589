"""The migrations, back and forth, with rows in the tables."""

import datetime

import pytest
from django.core.management import call_command
from django.db import connection

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.moments import LATEST
from birdwatcher.nodes.models import Node, NodeStatus
from nodeproc.states import NodeState

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.UTC)


def owner_and_species() -> tuple[Node, Species]:
    """Make a node and a species."""
    node = Node.objects.create(name="Dartmoor", ip_address="10.0.3.2", port=9999)
    return node, Species.objects.create(name="Wren")


def test_the_migrations_are_complete() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_migrations_keep_what_is_there() -> None:
    owner, species = owner_and_species()
    for n in range(3):
        timestamp = LATEST if n == 1 else NOON
        Bird.objects.create(
            timestamp=timestamp, name=f"Bird {n}", species=species, node=owner, doubtful=n == 1
        )
    NodeStatus.objects.create(node=owner, state=NodeState.CONNECTED, since=NOON)
    call_command("migrate", "birds", "0001", verbosity=0)
    call_command("migrate", "nodes", "0002", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM birds_bird")
        assert cursor.fetchone() == (3,)
    call_command("migrate", verbosity=0)
    birds = Bird.objects.order_by("name").values_list("name", "timestamp", "species", "doubtful")
    assert list(birds) == [
        (f"Bird {n}", LATEST if n == 1 else NOON, species.pk, False) for n in range(3)
    ]
    status = NodeStatus.objects.get()
    assert (status.state, status.error) == (NodeState.CONNECTED, "")


def test_the_database_takes_birds_from_who_knows_nothing_of_doubt() -> None:
    owner, species = owner_and_species()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO birds_bird (timestamp, name, species_id, node_id)"
            " VALUES (%s, 'x', %s, %s)",
            [NOON, species.pk, owner.pk],
        )
    assert Bird.objects.dated(doubtfully=False).count() == 1
    assert Bird.objects.dated(doubtfully=True).count() == 0


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_trigger_can_be_migrated_back_and_forth() -> None:
    triggers = "SELECT count(*) FROM pg_trigger WHERE tgname = 'birdwatcher_nodes_changed'"
    for name, count in (("0001", 0), ("0002", 1)):
        call_command("migrate", "nodes", name, verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute(triggers)
            assert cursor.fetchone() == (count,)
