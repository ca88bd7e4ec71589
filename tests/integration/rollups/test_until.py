"""How many birds there were up to a moment, against the birds counted one by one; and its cost."""

import datetime
import random
import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.nodes.models import Node
from birdwatcher.rollups import until
from birdwatcher.rollups.until import birds_until
from tests.support.flock import insert
from tests.support.plans import analyze, plan_of

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
MICROSECOND = datetime.timedelta(microseconds=1)
FAR = datetime.timezone(datetime.timedelta(hours=14))


def some_times(chance: random.Random) -> Iterator[datetime.datetime]:
    """Yield times of birds: around noon, on the hour, next to it, long ago, far in the future."""
    for _ in range(400):
        yield NOON + HOUR * chance.gauss(0, 30)
    for _ in range(100):
        hour = NOON + HOUR * chance.randrange(-60, 60)
        yield hour + chance.choice([-1, 0, 0, 1]) * MICROSECOND
    for _ in range(50):
        yield NOON + HOUR * chance.uniform(-600_000, 600_000)
    yield from [EARLIEST, EARLIEST, LATEST, LATEST]


def moments_to_ask(
    times: list[datetime.datetime], chance: random.Random
) -> Iterator[datetime.datetime]:
    """Yield moments at, next to, and between the times of birds, and beyond all of them."""
    for time in chance.sample(times, 25):
        yield from (time - MICROSECOND if time > EARLIEST else time, time, time + MICROSECOND)
    for _ in range(15):
        yield NOON + HOUR * chance.gauss(0, 40)
        yield NOON + HOUR * chance.randrange(-60, 60)
    yield from [EARLIEST, LATEST, (NOON + HOUR / 3).astimezone(FAR)]
    yield from [
        datetime.datetime.min.replace(tzinfo=FAR),
        datetime.datetime.max.replace(tzinfo=datetime.UTC),
    ]


@pytest.mark.parametrize("few", [until.FEW, 3])
def test_any_moment_is_counted_exactly(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(until, "FEW", few)
    chance = random.Random(few)  # noqa: S311
    nodes = [Node.objects.create(name=f"N{n}", ip_address="::1", port=n) for n in (1, 2, 3)]
    species = [Species.objects.create(name=name) for name in ("Wren", "Robin", "Dunnock")]
    made = insert(
        Bird(
            timestamp=time,
            name="x",
            doubtful=chance.random() < 0.2,
            species=chance.choices(species, [5, 2, 1])[0],
            node=chance.choice(nodes),
        )
        for time in some_times(chance)
    )
    for bird in chance.sample(made, 80):
        bird.delete()
    kept = list(Bird.objects.order_by("pk"))
    asked = list(moments_to_ask([it.timestamp for it in kept], chance))
    for of in (
        {},
        {"node": nodes[0].pk},
        {"species": species[0].pk},
        {"node": nodes[1].pk, "species": species[0].pk},
    ):
        birds = [
            it.timestamp
            for it in kept
            if of.get("node") in {None, it.node_id} and of.get("species") in {None, it.species_id}
        ]
        for ts in chance.sample(asked, 40):
            assert birds_until(ts, **of) == sum(time <= ts for time in birds), (ts, of)
    assert birds_until(LATEST, node=999) == birds_until(LATEST, species=999) == 0


def fill(hours: int, birds_an_hour: int) -> tuple[Node, Species]:
    """Have birds in so many hours up to noon; return the node and the species of a quarter."""
    nodes = [Node.objects.create(name=f"N{n}", ip_address="::1", port=n) for n in range(1, 5)]
    species = [Species.objects.create(name=f"S{n}") for n in range(4)]
    insert(
        Bird(
            timestamp=NOON - hour * HOUR + n * MICROSECOND,
            name="x",
            species=species[n % 4],
            node=nodes[n % 4],
        )
        for hour in range(hours)
        for n in range(birds_an_hour)
    )
    analyze()
    return nodes[0], species[0]


def test_only_the_smaller_side_and_the_rest_of_one_hour_are_read() -> None:
    node, species = fill(hours=1500, birds_an_hour=8)
    for ago in (1400, 3):
        ts = NOON - ago * HOUR + HOUR / 2
        for of in ({"node": node.pk}, {"species": species.pk}):
            with CaptureQueriesContext(connection) as captured:
                assert birds_until(ts, **of) == 2 * (1500 - ago)
            assert len(captured) <= 3
            for query in captured:
                check(query["sql"])


def check(sql: str) -> None:
    """Check that a question is answered along indexes, and on PostgreSQL how many rows it read."""
    plan = plan_of(sql)
    tables = r"(birds_bird|rollups_\w+)"
    # The totals of one node, or species, are as many rows as it has species, or there are nodes.
    assert not re.search(
        rf"Seq Scan on (birds_bird|rollups_hourly\w+)|SCAN {tables}(?! USING)", plan
    ), plan
    if "birds_bird" in sql:
        assert re.search(r"timestamp\S* >=?.*timestamp\S* <|timestamp>\? AND timestamp<\?", plan), (
            plan
        )
    if connection.vendor == "postgresql":
        read = plan_of(sql, how="(ANALYZE, TIMING OFF, COSTS OFF)")
        rows = sum(int(n) for n in re.findall(r"Scan .*rows=(\d+)", read))
        assert rows <= until.FEW + 20, read
