"""Counts through the API, against birds counted one by one; late, future and doubtful ones too."""

import datetime
import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from birdwatcher.accounts.models import ApiToken
from birdwatcher.api.counts.views import Counts
from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.nodes.models import Node
from birdwatcher.rollups import periods
from tests.support.flock import insert, make_nodes, make_species
from tests.support.program import Caller

HOUR = datetime.timedelta(hours=1)
NOW = datetime.datetime(2026, 3, 29, 1, 20, 30, 250_000, tzinfo=datetime.UTC)  # clocks go forward
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns")


@pytest.fixture
def birds(database: object) -> list[Bird]:
    """Birds of four days in a random order: some long ago, some yet to come."""
    chance = random.Random(7)  # noqa: S311
    nodes, species = make_nodes(3), make_species("Wren", "Robin")
    times = [NOW + HOUR * chance.gauss(0, 24) for _ in range(250)]
    times += [EARLIEST, LATEST, NOW, NOW.replace(microsecond=250_001)]
    times += [NOW.replace(minute=0, second=0, microsecond=0) + HOUR * n for n in range(4)]
    chance.shuffle(times)
    return insert(
        Bird(
            timestamp=at,
            name="x",
            node=chance.choice(nodes),
            species=chance.choice(species),
            doubtful=chance.random() < 0.2,
        )
        for at in times
    )


def moments(birds: list[Bird], count: int) -> list[datetime.datetime]:
    """Return moments of birds, and just beside them."""
    chance = random.Random(8)  # noqa: S311
    near = [datetime.timedelta(microseconds=it) for it in (-1, 0, 1)]
    return [EARLIEST, LATEST] + [
        chance.choice(birds[: len(birds) // 2]).timestamp + chance.choice(near)
        if chance.random() < 0.7
        else NOW + HOUR * chance.gauss(0, 30)
        for _ in range(count)
    ]


def inside(birds: list[Bird], start: datetime.datetime, end: datetime.datetime) -> list[Bird]:
    return [bird for bird in birds if start <= bird.timestamp <= end]


def text(moment: datetime.datetime, zone: str = "UTC") -> str:
    if not EARLIEST + 24 * HOUR < moment < LATEST - 24 * HOUR:
        zone = "UTC"
    return quote(moment.astimezone(ZoneInfo(zone)).isoformat())


def test_up_to_any_moment(birds: list[Bird], caller: Callable[..., Caller]) -> None:
    asking, chance = caller("viewer", "read"), random.Random(9)  # noqa: S311
    for ts in moments([it for it in birds if it.timestamp not in {EARLIEST, LATEST}], 25):
        kind = chance.choice(["node", "species"])
        key = getattr(chance.choice(birds), f"{kind}_id")
        path = {"node": "nodes", "species": "species"}[kind]
        told = asking.get(f"{path}/{key}/count?ts={text(ts, chance.choice(ZONES))}")
        assert told == {
            f"{kind}_id": key,
            "ts": ts.isoformat().replace("+00:00", "Z"),
            "count": sum(it.timestamp <= ts for it in birds if getattr(it, f"{kind}_id") == key),
        }


def test_now_is_the_moment_without_one(birds: list[Bird], caller: Callable[..., Caller]) -> None:
    node = Node.objects.first()
    before = datetime.datetime.now(datetime.UTC)
    told = caller("viewer", "read").get(f"nodes/{node.pk}/count")
    ts = datetime.datetime.fromisoformat(told["ts"])
    assert before <= ts <= datetime.datetime.now(datetime.UTC)
    assert told["count"] == sum(it.timestamp <= ts and it.node_id == node.pk for it in birds)


def test_by_anything_in_any_range(birds: list[Bird], caller: Callable[..., Caller]) -> None:
    asking, chance = caller("viewer", "read"), random.Random(10)  # noqa: S311
    ordinary = [it for it in birds if it.timestamp not in {EARLIEST, LATEST}]
    times = moments(ordinary, 24)[2:]
    for by in ("node", "species", "hour", "day") * 3:
        start, end = sorted((times.pop(), times.pop()))
        zone = chance.choice(ZONES)
        heard, query = inside(birds, start, end), ""
        if by != "node" and chance.random() < 0.5:
            node = chance.choice(birds).node_id
            heard, query = [it for it in heard if it.node_id == node], f"&node={node}"
        told = asking.get(
            f"counts?by={by}&start={text(start, zone)}&end={text(end, zone)}&tz={zone}{query}"
        )
        assert found(told) == counted(by, heard, ZoneInfo(zone)), (by, zone, start, end, query)
        assert told["start"] == start.isoformat().replace("+00:00", "Z")
        if by in {"hour", "day"}:
            names = [it[by] for it in told["counts"]]
            assert names == sorted(set(names))


def one_bird(at: str) -> None:
    """Insert a bird heard at a time."""
    node, species = Node.objects.first(), Species.objects.first()
    moment = datetime.datetime.fromisoformat(at)
    insert([Bird(timestamp=moment, name="x", node=node, species=species)])


def test_days_with_a_bird_that_comes_while_they_are_counted(
    database: object, caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_nodes(1)
    make_species("Wren")
    one_bird("2026-03-01T18:20:00Z")
    birds_in = periods.birds_in

    def two_more_then_birds_in(*args: Any) -> list[int]:
        # Before midnight in Kathmandu, which is at 18:15 UTC.
        one_bird("2026-03-01T18:10:00Z")
        one_bird("2026-03-01T18:14:59.999999Z")
        return birds_in(*args)

    monkeypatch.setattr(periods, "birds_in", two_more_then_birds_in)
    span = "start=2026-03-01T18:00:00Z&end=2026-03-01T18:59:00Z"
    told = caller("viewer", "read").get(f"counts?by=day&{span}&tz=Asia/Kathmandu")
    assert found(told) == {"2026-03-01": 2, "2026-03-02": 1}


def test_a_day_that_begins_twice(database: object, caller: Callable[..., Caller]) -> None:
    make_nodes(1)
    make_species("Wren")
    # In St. John's clocks were put back by an hour at 00:01, which was 02:31 UTC.
    for minute in (10, 29, 31):
        one_bird(f"2010-11-07T03:{minute}:00Z")
    span = "start=2010-11-07T03:00:00Z&end=2010-11-07T04:00:00Z"
    told = caller("viewer", "read").get(f"counts?by=day&{span}&tz=America/St_Johns")
    assert found(told) == {"2010-11-06": 2, "2010-11-07": 1}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_is_heard_at_the_end_of_time(
    birds: list[Bird], caller: Callable[..., Caller]
) -> None:
    asking, last = caller("viewer", "read"), "start=9999-12-31T23:30:00Z&end=9999-12-31T23:59:59Z"
    for by in ("node", "species", "hour", "day"):
        assert asking.get(f"counts?by={by}&{last}")["counts"] == []
    assert asking.get(f"birds?{last}")["results"] == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_takes_all_threads(database: object, caller: Callable[..., Caller]) -> None:
    asking, question = caller("viewer"), "counts?by=node"
    who = f"token {ApiToken.objects.get().pk}"
    with Counts.turns.of(who), Counts.turns.of(who):
        assert "wait" in asking.get(question, 429)["detail"]
        assert caller("operator").get(question)["counts"] == []
    assert asking.get(question)["counts"] == []


def found(told: Any) -> dict[object, int]:
    key = {"node": "node_id", "species": "species_id"}.get(told["by"], told["by"])
    return {it[key]: it["count"] for it in told["counts"] if it["count"]}


def counted(by: str, birds: list[Bird], zone: ZoneInfo) -> dict[object, int]:
    def key(bird: Bird) -> object:
        at = bird.timestamp
        hour = at.replace(minute=0, second=0, microsecond=0).isoformat().replace("+00:00", "Z")
        day = at.astimezone(zone).date().isoformat()
        return {"node": bird.node_id, "species": bird.species_id, "hour": hour, "day": day}[by]

    return dict(Counter(map(key, birds)))


def test_all_time_and_what_cannot_be_asked(
    birds: list[Bird], caller: Callable[..., Caller]
) -> None:
    asking = caller("viewer", "read")
    told = asking.get("counts?by=species")
    assert (told["start"], told["end"]) == (None, None)
    assert found(told) == counted("species", birds, ZoneInfo("UTC"))
    assert asking.get("nodes/99/count", 404) == {"detail": "Not found."}
    year = "start=2026-01-01T00:00:00Z&end=2027-02-01T00:00:00Z"
    for query, field in (
        ("", "by"),
        ("by=month", "by"),
        ("by=hour", "start"),
        ("by=node&end=2026-01-01T00:00:00Z", "start"),
        (f"by=hour&{year}", "end"),
        (f"by=node&{year}", "end"),
        ("by=node&node=1", "node"),
        ("by=day&start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z", "end"),
        ("by=day&start=2026-01-02T00:00:00Z&tz=Mars/Olympus", "tz"),
    ):
        assert list(asking.get(f"counts?{query}", 400)["errors"]) == [field]
