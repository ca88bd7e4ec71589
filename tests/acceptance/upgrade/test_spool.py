"""The daemon and `spool` go on with what an earlier release left: its database and its spool."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import Node, NodeStatus
from birdwatcher.writer.models import Checkpoint
from nodeproc.delivery.reserve import NAME
from tests.support.counted import counts_agree
from tests.support.daemon import Daemon
from tests.support.databases import Database, migrate
from tests.support.fieldnode import FieldNode
from tests.support.processes import Processes
from tests.support.upgrade import LAST, STREAM, load, place_spool
from tests.support.waiting import wait_until

COMMITTING = 15.0  # seconds
IN_SPOOL = 28  # birds
WAITING = [f"Spooled {batch}.{number}" for batch in (1, 2) for number in range(3)]  # of these


@pytest.fixture
def upgraded(blank_database: Database) -> Database:
    """The database and the spool of an earlier release, stopped a moment ago and migrated."""
    load(blank_database)
    connection.close()
    migrate(blank_database)
    place_spool(blank_database)
    Checkpoint.objects.update(updated_at=timezone.now())  # they are kept for 90 days
    Node.objects.update(enabled=False)
    return blank_database


def left(database: Database) -> list[str]:
    """Return the names of the files in the spool directory, but for the reserve."""
    names = [path.name for path in Path(database.state_dir, "spool").iterdir()]
    return [name for name in names if name != NAME]


def check(birds: int, events: int) -> None:
    """Check that what was waiting is committed, once, and nothing else."""
    spooled = Bird.objects.filter(name__startswith="Spooled").order_by("pk")
    assert list(spooled.values_list("name", flat=True)) == WAITING
    assert set(spooled.values_list("node__name", "species__name")) == {("Dartmoor", "Robin")}
    assert Bird.objects.count() == birds + len(WAITING)
    assert NodeStatus.objects.get(node=1).events == events + len(WAITING)
    assert Checkpoint.objects.get(node=1, stream=STREAM).sequence == LAST + 2
    counts_agree()


def test_the_spool_of_an_earlier_release_is_committed_by_hand(
    upgraded: Database, processes: Processes
) -> None:
    birds, events = Bird.objects.count(), NodeStatus.objects.get(node=1).events
    listing = processes.run("spool", env=upgraded.env)
    assert [line.split()[0] for line in listing.splitlines()] == ["events", str(IN_SPOOL)]
    assert "Dartmoor" in listing
    assert left(upgraded) == ["1.spool"]
    for _ in range(2):
        said = processes.run("spool", "--commit", env=upgraded.env)
        assert "Everything is committed." in said
        check(birds, events)
        assert left(upgraded) == []
    assert processes.run("spool", env=upgraded.env) == "Nothing is waiting.\n"


def test_the_daemon_commits_the_spool_of_an_earlier_release_and_goes_on(
    upgraded: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
) -> None:
    birds, events = Bird.objects.count(), NodeStatus.objects.get(node=1).events
    daemon = start_daemon(upgraded)
    wait_until(
        lambda: not left(upgraded), timeout=COMMITTING, message=lambda: f"no spool: {daemon.text()}"
    )
    check(birds, events)
    field = field_node()
    Node.objects.filter(pk=1).update(ip_address=field.host, port=field.port, enabled=True)
    wait_until(field.connected, timeout=COMMITTING, message=lambda: daemon.text())
    sent = field.send(3)
    wait_until(
        lambda: NodeStatus.objects.get(node=1).events == events + len(WAITING) + 3,
        timeout=COMMITTING,
        message=lambda: daemon.text(),
    )
    newest = Bird.objects.order_by("-pk")[:3]
    assert [bird.name for bird in newest] == [it.name for it in reversed(sent)]
    assert daemon.stop() == 0
    counts_agree()
