"""The counts of birds: right after whatever happened to the birds, on both databases."""

import datetime
import random

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.common.units import EPOCH, MICROSECOND
from birdwatcher.nodes.models import Node
from birdwatcher.rollups.models import HourlyCount, TotalCount
from birdwatcher.writer.ledger import Ledger
from nodeproc.wire.messages import Event
from tests.support.counted import counts_agree, kept
from tests.support.databases import Database
from tests.support.sender import AT, Sender

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
NAMES = ("Robin", "Wren", "Common Chiffchaff", "Dunnock")
SECOND = 1_000_000  # microseconds


def random_events(random: random.Random, count: int) -> list[Event]:
    """Return events of a day, of hours long ago and far ahead, and of the first and last ones."""
    extremes = [EPOCH, EARLIEST, LATEST, EARLIEST + HOUR, LATEST - HOUR]
    times = [(moment - EPOCH) // MICROSECOND for moment in extremes]
    times += [int(AT - random.random() * 86400) * SECOND + random.randrange(SECOND) for _ in times]
    times += [3600 * SECOND * random.randrange(400_000, 600_000) for _ in times]
    times += [-1, 0, 1, 3600 * SECOND - 1, -3600 * SECOND, -3600 * SECOND - 1]
    return [(random.choice(times), random.choice(NAMES), "x") for _ in range(count)]


def flood(seed: int, nodes: int = 3, commits: int = 4, size: int = 150) -> list[Sender]:
    """Have a ledger commit random events of some nodes, in several transactions."""
    chance, ledger = random.Random(seed), Ledger()  # noqa: S311
    senders = [Sender(f"Node {number}") for number in range(nodes)]
    for number in range(commits):
        for sender in senders:
            sender.send(random_events(chance, size))
        ledger.commit(
            [it for sender in senders for it in (sender.rest() if number else sender.resend())]
        )
    return senders


def test_what_the_writer_commits_is_counted() -> None:
    flood(seed=1)
    counts_agree()
    assert sum(kept()[TotalCount].values()) == 1800


def test_what_is_not_committed_is_not_counted() -> None:
    (sender,) = flood(seed=2, nodes=1)
    sender.batch(3)
    with transaction.atomic():
        Ledger().commit(sender.resend())
        transaction.set_rollback(True)
    counts_agree()


def test_an_event_that_the_database_refuses_is_not_counted() -> None:
    sender = Sender()
    sender.send([(0, "Robin", "Al"), (2**62, "Robin", "Bo"), (1, "Wren\0", "Cy"), (2, "Wren", "D")])
    Ledger().commit(sender.resend())
    assert sender.names() == ["Al", "D"] or connection.vendor == "sqlite"
    counts_agree()


def delete_birds_by_sql(where: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM birds_bird {where}")  # noqa: S608


DELETES = {
    "one": lambda: Bird.objects.order_by("?")[0].delete(),
    "some": lambda: Bird.objects.filter(species__name="Wren", timestamp__lt=NOON).delete(),
    "a species": lambda: Species.objects.get(name="Wren").delete(),
    "species": lambda: Species.objects.filter(name__in=["Wren", "Dunnock"]).delete(),
    "a node": lambda: Node.objects.order_by("?")[0].delete(),
    "nodes": lambda: Node.objects.filter(name__lt="Node 2").delete(),
    "all nodes": lambda: Node.objects.all().delete(),
    "some by SQL": lambda: delete_birds_by_sql("WHERE id % 3 = 0"),
    "all by SQL": lambda: delete_birds_by_sql(""),
}


@pytest.mark.parametrize("how", DELETES)
def test_deleted_birds_are_counted_no_more(how: str) -> None:
    flood(seed=3)
    before = Bird.objects.count()
    DELETES[how]()
    assert Bird.objects.count() < before
    counts_agree()


def change_by_sql(change: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE birds_bird SET {change} WHERE id % 2 = 0")  # noqa: S608


CHANGES = {
    "time": lambda: Bird.objects.filter(species__name="Wren").update(timestamp=NOON),
    "species": lambda: Bird.objects.filter(timestamp__gt=NOON).update(
        species=Species.objects.get(name="Wren")
    ),
    "node": lambda: Bird.objects.all().update(node=Node.objects.first()),
    "name": lambda: Bird.objects.all().update(name="Bob", doubtful=True),
    "to and fro by SQL": lambda: change_by_sql(
        "node_id = (SELECT min(id) + max(id) FROM nodes_node) - node_id"
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changed_birds_are_counted_anew(what: str) -> None:
    flood(seed=4)
    CHANGES[what]()
    counts_agree()


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_hours_are_those_of_utc_in_whichever_zone_the_session_is(zone: str) -> None:
    flood(seed=5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, false)", [zone])
        cursor.execute("UPDATE birds_bird SET timestamp = timestamp - interval '20 min'")
        cursor.execute("DELETE FROM birds_bird WHERE id % 2 = 0")
        cursor.execute("SET TimeZone = 'UTC'")
    counts_agree()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_truncated_table_has_no_birds_to_count() -> None:
    flood(seed=6, nodes=1)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE birds_bird")
    assert not Bird.objects.exists()
    counts_agree()


def test_the_admin_adds_changes_and_deletes_birds() -> None:
    flood(seed=7)
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    fields = {"timestamp_0": "2025-06-01", "timestamp_1": "12:00:00", "name": "Cy"}
    fields |= {"species": Species.objects.first().pk, "node": Node.objects.first().pk}
    assert client.post("/admin/birds/bird/add/", fields).status_code == 302
    counts_agree()
    assert HourlyCount.objects.filter(hour=NOON).exists()
    change = f"/admin/birds/bird/{Bird.objects.get(name='Cy').pk}/change/"
    assert client.post(change, fields | {"timestamp_1": "13:59:59"}).status_code == 302
    counts_agree()
    chosen = list(Bird.objects.values_list("pk", flat=True)[::2])
    form = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    assert client.post("/admin/birds/bird/?clock=doubtful", form).status_code == 302
    counts_agree()


def test_a_count_that_is_wrong_keeps_no_bird_from_being_deleted() -> None:
    flood(seed=8)
    HourlyCount.objects.filter(species__name="Wren").delete()
    HourlyCount.objects.update(birds=1)
    Bird.objects.all().delete()
    assert not Bird.objects.exists()
    assert set(map(len, kept().values())) == {0}


def test_a_database_from_before_the_counts_is_counted_when_it_is_migrated(
    database: Database,
) -> None:
    flood(seed=9)
    call_command("migrate", "rollups", "zero", verbosity=0)
    Bird.objects.filter(species__name="Wren").delete()
    call_command("migrate", verbosity=0)
    counts_agree()
    Bird.objects.filter(species__name="Robin").delete()
    counts_agree()
