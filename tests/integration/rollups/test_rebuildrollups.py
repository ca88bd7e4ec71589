"""`rebuildrollups`: finds every count that is wrong and no other, beside whatever goes on."""

import contextlib
import datetime
import io
import random
import threading
from collections.abc import Callable, Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.database.sqlite import SQLite
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.nodes.models import Node
from birdwatcher.rollups import counting, rebuild
from birdwatcher.rollups.models import HourlyCount, HourlyOfNode, HourlyOfSpecies, TotalCount
from birdwatcher.writer.ledger import Ledger
from tests.support.counted import TABLES, counts_agree
from tests.support.databases import Database
from tests.support.flock import insert
from tests.support.sender import AT, Sender

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
RIGHT = "Every count is right.\n"


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count so few birds at once that there are many pieces; and wait for nobody."""
    monkeypatch.setattr(rebuild, "PIECE", 7)
    monkeypatch.setattr(SQLite, "pause", 0)


def make_birds(count: int = 300) -> None:
    """Make counted birds of three nodes and three species, of some days, some doubtful."""
    chance = random.Random(5)  # noqa: S311
    nodes = [Node.objects.create(name=f"N{n}", ip_address="::1", port=n) for n in (1, 2, 3)]
    species = [Species.objects.create(name=name) for name in ("Wren", "Robin", "Dunnock")]
    times = [NOON + MINUTE * chance.randrange(3000) for _ in range(count)]
    insert(
        Bird(
            timestamp=time,
            name="x",
            doubtful=chance.random() < 0.2,
            species=chance.choice(species),
            node=chance.choice(nodes),
        )
        for time in [EARLIEST, LATEST, *times]
    )


def rebuildrollups(*arguments: str) -> str:
    """Run the command and return what it said."""
    said = io.StringIO()
    call_command("rebuildrollups", *arguments, stdout=said)
    return said.getvalue()


def check() -> tuple[int, str]:
    """Run it with `--check`; return the exit code and what it said."""
    said = io.StringIO()
    try:
        call_command("rebuildrollups", "--check", stdout=said)
    except SystemExit as end:
        return end.code, said.getvalue()
    return 0, said.getvalue()


def test_it_finds_nothing_where_nothing_is_wrong() -> None:
    assert check() == (0, RIGHT)
    make_birds()
    assert check() == (0, RIGHT)
    assert rebuildrollups() == RIGHT
    counts_agree()


def test_each_difference_is_reported_and_put_right() -> None:
    make_birds()
    some = HourlyCount.objects.order_by("pk")[3]
    HourlyCount.objects.filter(pk=some.pk).update(birds=some.birds + 5)
    code, said = check()
    assert code == 1
    line = f"{some.node}, {some.species}, {some.hour:%Y-%m-%d %H:%M:%S} UTC: "
    assert f"{line}{some.birds} birds, and not {some.birds + 5}\n" in said
    assert check() == (1, said)  # it changed nothing
    assert rebuildrollups().splitlines()[1:] == ["Put right: 1 count."]
    assert check() == (0, RIGHT)
    counts_agree()


def break_some() -> None:
    node, species = Node.objects.first(), Species.objects.first()
    HourlyCount.objects.filter(species__name="Wren").delete()
    HourlyCount.objects.filter(node=node).update(birds=77)
    HourlyCount.objects.create(node=node, species=species, hour=NOON - 99 * MINUTE, birds=3)


BREAKS: dict[str, Callable[[], object]] = {
    "all are gone": lambda: [model.objects.all().delete() for model in TABLES],
    "some are wrong, missing, too many": break_some,
    "hours of species": lambda: HourlyOfSpecies.objects.update(birds=1),
    "hours of nodes": lambda: HourlyOfNode.objects.all()[:5][0].delete(),
    "totals": lambda: TotalCount.objects.filter(node__name="N2").update(birds=10**12),
    "birds that nobody counted": lambda: Bird.objects.bulk_create(
        Bird(timestamp=NOON, name="x", species=Species.objects.first(), node=node)
        for node in Node.objects.all()
    ),
}


@pytest.mark.parametrize("how", BREAKS)
def test_whatever_was_broken_is_right_again(how: str) -> None:
    make_birds()
    BREAKS[how]()
    assert check()[0] == 1
    assert "Put right" in rebuildrollups()
    counts_agree()
    assert check() == (0, RIGHT)


@contextlib.contextmanager
def beside(*jobs: Callable[[], None]) -> Iterator[None]:
    """Run each job again and again in a thread of its own; raise the first error of any."""
    done, errors = threading.Event(), []

    def work(job: Callable[[], None]) -> None:
        try:
            while not done.is_set() and not errors:
                job()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join(timeout=60)
    if errors:
        raise errors[0]


class Writer:
    """A ledger and its nodes, which send birds of a few hours and species."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.senders = [Sender(f"Sender {number}") for number in range(3)]
        self.chance = random.Random(3)  # noqa: S311
        self.began: set[Sender] = set()

    def commit(self) -> None:
        """Commit some events of every node."""
        frames = []
        for sender in self.senders:
            times = [int(AT) + 3600 * self.chance.randrange(4) for _ in range(20)]
            names = [self.chance.choice(["Wren", "Robin", "Dunnock", "Dodo"]) for _ in times]
            sender.send(
                [(at * 1_000_000, name, "x") for at, name in zip(times, names, strict=True)]
            )
            frames += sender.rest() if sender in self.began else sender.resend()
            self.began.add(sender)
        for _, node, stream, sequence in self.ledger.commit(frames):
            next(it for it in self.senders if it.node.pk == node).outbox.acknowledge(
                stream, sequence
            )


def test_beside_a_daemon_that_commits_nothing_is_found_and_nothing_lost() -> None:
    make_birds()
    writer = Writer()
    writer.commit()
    with beside(writer.commit):
        for _ in range(3):
            assert check() == (0, RIGHT)
        BREAKS["hours of nodes"]()
        BREAKS["some are wrong, missing, too many"]()
        assert "Put right" in rebuildrollups()
    counts_agree()


def test_deletes_and_changes_of_all_kinds_meet_a_daemon_without_a_deadlock() -> None:
    """Every thread would raise the error with which PostgreSQL ends a deadlock.

    Each has birds of its own: two who delete the same ones may lock these in different orders.
    """
    make_birds()
    writer, chance = Writer(), random.Random(4)  # noqa: S311
    writer.commit()

    def delete_in_sql() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM birds_bird WHERE id %% 5 = %s AND species_id IN"
                " (SELECT id FROM birds_species WHERE name = 'Robin')"
                " AND node_id IN (SELECT id FROM nodes_node WHERE name <> 'gone')",
                [chance.randrange(5)],
            )

    def delete_species() -> None:
        Species.objects.filter(name__in=["Dodo", "Wren"]).delete()

    def change() -> None:
        some = list(Bird.objects.filter(species__name="Dunnock").values_list("pk", flat=True)[:5])
        Bird.objects.filter(pk__in=some).update(timestamp=NOON + MINUTE * chance.randrange(500))

    def delete_node() -> None:
        node = Node.objects.create(name="gone", ip_address="::2", port=1)
        species, _ = Species.objects.get_or_create(name="Robin")
        with transaction.atomic():
            birds = [Bird(timestamp=NOON, name="x", species=species, node=node) for _ in range(9)]
            counting.count(Bird.objects.bulk_create(birds))
        node.delete()

    jobs = [delete_in_sql, delete_species, change, delete_node]
    with beside(*jobs):
        for _ in range(60):
            writer.commit()
        rebuildrollups()
    counts_agree()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_whoever_holds_the_counts_for_too_long_is_told_of(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr(rebuild, "LOCK_TIMEOUT", 0.05)
    monkeypatch.setattr(rebuild, "LOCK_TRIES", 2)
    monkeypatch.setattr(rebuild, "LOCK_PAUSE", 0)
    make_birds()
    HourlyCount.objects.update(birds=77)
    with psycopg.connect(database.url) as other:
        other.execute("DELETE FROM birds_bird WHERE id = (SELECT min(id) FROM birds_bird)")
        with pytest.raises(CommandError, match="try again later"):
            rebuildrollups()
    rebuildrollups()
    counts_agree()
