"""What pages ask of the counts, against the birds counted one by one; and the databases' plans."""

import datetime
import itertools
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.nodes.models import Node
from birdwatcher.rollups import periods, queries, ranking
from birdwatcher.rollups.hours import start_of_day
from tests.support.counted import hour_of
from tests.support.flock import insert
from tests.support.plans import analyze, plan_of

pytestmark = pytest.mark.usefixtures("database")

HOUR = datetime.timedelta(hours=1)
MICROSECOND = datetime.timedelta(microseconds=1)
# Whole hours from UTC with and without summer time, three quarters, half an hour of summer time.
ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]
# Around the ends of two months and the days on which clocks are changed.
AROUND = [
    datetime.datetime(2025, *day, tzinfo=datetime.UTC)
    for day in ((3, 30), (4, 1), (4, 6), (10, 5), (10, 26), (11, 1), (11, 2))
]


@pytest.fixture
def birds(database: object) -> list[Bird]:
    """Birds of all kinds, counted."""
    chance = random.Random(11)  # noqa: S311
    nodes = [Node.objects.create(name=f"N{n}", ip_address="::1", port=n) for n in (1, 2, 3)]
    species = [Species.objects.create(name=name) for name in ("Wren", "Robin", "Dunnock")]
    times = [chance.choice(AROUND) + HOUR * chance.gauss(0, 20) for _ in range(600)]
    times += [EARLIEST, LATEST, *AROUND]
    return insert(
        Bird(
            timestamp=time,
            name="x",
            doubtful=chance.random() < 0.2,
            species=chance.choices(species, [5, 2, 1])[0],
            node=chance.choice(nodes),
        )
        for time in times
    )


def chosen(birds: list[Bird], **of: object) -> list[Bird]:
    return [it for it in birds if all(getattr(it, name) == value for name, value in of.items())]


def spans(zone: str) -> list[tuple[datetime.datetime, datetime.datetime]]:
    """Return random ranges, days of the zone, and ranges without a whole hour."""
    chance, days = random.Random(zone), []  # noqa: S311
    for day in AROUND:
        local = day.replace(tzinfo=ZoneInfo(zone))
        days.append((local, (local + datetime.timedelta(days=1))))
    some = [sorted(chance.choice(AROUND) + HOUR * chance.gauss(0, 20) for _ in "ab") for _ in days]
    short = [(start, start + HOUR * chance.random()) for start, _ in some]
    touching = [(start, hour_of(start)) for start, _ in some[:1]]
    return [*days[:4], *map(tuple, some[:4]), *short[:3], *touching, (AROUND[0], AROUND[0])]


def zones_and_filters() -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each zone with each way to choose among the birds."""
    wren = Species.objects.get(name="Wren")
    of = [{}, {"node": Node.objects.get(port=1)}, {"species": wren}]
    of.append({"node": Node.objects.get(port=2), "species": wren})
    return itertools.product(ZONES, of)


def test_any_span_is_counted_exactly(birds: list[Bird]) -> None:
    for zone, of in zones_and_filters():
        check_spans(birds, zone, of)


def check_spans(birds: list[Bird], zone: str, of: dict[str, object]) -> None:
    for start, end in [*spans(zone), (EARLIEST, LATEST + MICROSECOND)]:
        inside = [it for it in chosen(birds, **of) if start <= it.timestamp < end]
        assert queries.birds_between(start, end, **of) == len(inside)
        if end - start > datetime.timedelta(days=1000):
            continue
        hours = queries.per_hour(start, end, **of)
        assert Counter(hours) == Counter(hour_of(it.timestamp) for it in inside)
        assert list(hours) == sorted(hours)
        assert sum(hours.values()) == len(inside)


def test_the_most_frequent_come_first(birds: list[Bird]) -> None:
    for zone in ZONES:
        check_the_most_frequent(birds, zone)


def check_the_most_frequent(birds: list[Bird], zone: str) -> None:
    node, wren = Node.objects.get(port=1), Species.objects.get(name="Wren")
    for start, end in [*spans(zone), (None, None)]:
        inside = [it for it in birds if start is None or start <= it.timestamp < end]
        for found, expected in [
            (ranking.by_species(start, end, limit=99), Counter(it.species for it in inside)),
            (
                ranking.by_species(start, end, node=node, limit=99),
                Counter(it.species for it in chosen(inside, node=node)),
            ),
            (ranking.by_node(start, end), Counter(it.node for it in inside)),
            (
                ranking.by_node(start, end, species=wren.pk),
                Counter(it.node for it in chosen(inside, species=wren)),
            ),
        ]:
            assert found == sorted(expected.items(), key=lambda it: (-it[1], it[0].name))
        ranked = [birds for _, birds in ranking.by_species(start, end, limit=99)]
        for limit in (0, 1, 2, 9):
            found = ranking.by_species(start, end, limit=limit)
            assert [birds for _, birds in found] == ranked[:limit]


def test_new_names_do_not_push_out_older_species_with_as_many_birds(database: object) -> None:
    for name in ("Wren", "Auk", "Aardvark"):
        one_bird(2025, 3, 1, species=name)
    assert [it.name for it, _ in ranking.by_species(limit=2)] == ["Auk", "Wren"]


def test_a_day_of_some_species_by_the_hour(birds: list[Bird]) -> None:
    for zone in ZONES:
        check_days(birds, zone)


def check_days(birds: list[Bird], zone: str) -> None:
    shown = list(Species.objects.order_by("-name")[1:])
    for start, end in spans(zone):
        inside = [it for it in birds if start <= it.timestamp < end]
        assert ranking.species_between(start, end) == len({it.species_id for it in inside})
        found = queries.species_by_hour(start, end, shown)
        assert list(found) == shown
        flat = {(it, hour): n for it, hours in found.items() for hour, n in hours.items()}
        assert flat == Counter(
            (it.species, hour_of(it.timestamp)) for it in inside if it.species in shown
        )


def test_months_and_hours_are_those_of_the_viewer(birds: list[Bird]) -> None:
    for zone, of in zones_and_filters():
        check_months_and_hours(birds, zone, of)


def check_months_and_hours(birds: list[Bird], zone: str, of: dict[str, object]) -> None:
    with timezone.override(zone):
        local = [timezone.localtime(it.timestamp) for it in chosen(birds, **of)]
        middles = [
            timezone.localtime(hour_of(it.timestamp) + HOUR / 2) for it in chosen(birds, **of)
        ]
        charted = [datetime.date(2025, month, 1) for month in range(2, 13)]
        expected = Counter(it.date().replace(day=1) for it in local)
        assert periods.per_month(charted, **of) == [expected[month] for month in charted]
        edges = [it.replace(minute=0) for it in (AROUND[0], AROUND[-1])]
        hours = Counter(it.hour for it in middles if edges[0] <= hour_of(it) < edges[1])
        assert periods.by_hour_of_day(*edges, **of) == [hours[hour] for hour in range(24)]
    check_days_of(birds, zone, of)


def check_days_of(birds: list[Bird], zone: str, of: dict[str, object]) -> None:
    for start, end in spans(zone):
        inside = [it for it in chosen(birds, **of) if start <= it.timestamp < end]
        days = periods.per_day(start, end, ZoneInfo(zone), **of)
        assert Counter(days) == Counter(
            it.timestamp.astimezone(ZoneInfo(zone)).date() for it in inside
        )
        assert list(days) == sorted(days)


def one_bird(*time: int, species: str = "Wren") -> None:
    """Insert a bird heard at a time."""
    node, _ = Node.objects.get_or_create(name="N", ip_address="::1", port=1)
    kind, _ = Species.objects.get_or_create(name=species)
    at = datetime.datetime(*time, tzinfo=datetime.UTC)  # type: ignore[misc,arg-type]
    insert([Bird(timestamp=at, name="x", node=node, species=kind)])


MARCH, APRIL = datetime.date(2025, 3, 1), datetime.date(2025, 4, 1)


def test_months_with_a_bird_that_comes_while_they_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_bird(2025, 3, 31, 18, 20)
    birds_in = periods.birds_in

    def two_more_then_birds_in(*args: Any) -> list[int]:
        # Before midnight in Kathmandu, which is at 18:15 UTC.
        one_bird(2025, 3, 31, 18, 10)
        one_bird(2025, 3, 31, 18, 14)
        return birds_in(*args)

    monkeypatch.setattr(periods, "birds_in", two_more_then_birds_in)
    with timezone.override("Asia/Kathmandu"):
        assert periods.per_month([MARCH, APRIL]) == [2, 1]


def test_a_month_that_begins_twice() -> None:
    # In St. John's clocks were put back by an hour at 00:01, which was 02:31 UTC.
    for minute in (10, 29, 31):
        one_bird(2009, 11, 1, 3, minute)
    with timezone.override("America/St_Johns"):
        months = [datetime.date(2009, 10, 1), datetime.date(2009, 11, 1)]
        assert periods.per_month(months) == [2, 1]


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("America/Havana", (2025, 11, 2), (2025, 11, 2, 4)),  # put back at 01:00 to midnight
        ("America/Havana", (2025, 3, 9), (2025, 3, 9, 5)),  # put forward at midnight
        ("Pacific/Apia", (2011, 12, 30), (2011, 12, 30, 10)),  # left out
        ("Pacific/Apia", (2011, 12, 31), (2011, 12, 30, 10)),
    ],
)
def test_when_days_begin(zone: str, day: tuple[int, ...], begins: tuple[int, ...]) -> None:
    moment = datetime.datetime(*begins, tzinfo=datetime.UTC)  # type: ignore[misc,arg-type]
    assert start_of_day(datetime.date(*day), ZoneInfo(zone)) == moment


def test_a_year_of_days_in_a_zone_of_half_hours_takes_two_queries() -> None:
    """And years of wild dates no more than the months that are asked for."""
    one_bird(2025, 3, 31, 18, 20)
    with CaptureQueriesContext(connection) as captured:
        days = periods.per_day(AROUND[0], AROUND[0] + 366 * 24 * HOUR, KOLKATA)
    assert len(days) == 367
    assert days[datetime.date(2025, 3, 31)] == 1
    assert len(captured) == 2


def fill(hours: int) -> None:
    """Make counts of so many hours, of many nodes and species, and as many birds."""
    nodes = Node.objects.bulk_create(
        Node(name=f"N{n}", ip_address="::1", port=n) for n in range(1, 21)
    )
    species = Species.objects.bulk_create(Species(name=f"S{n}") for n in range(20))
    chance = random.Random(12)  # noqa: S311
    insert(
        Bird(
            timestamp=AROUND[0] + n % hours * HOUR + n * MICROSECOND,
            name="x",
            species=chance.choice(species),
            node=chance.choice(nodes),
        )
        for n in range(10_000)
    )
    analyze()


KOLKATA = ZoneInfo("Asia/Kolkata")
RAGGED = AROUND[0] + 30 * HOUR + datetime.timedelta(minutes=20)
QUESTIONS: dict[str, tuple[Callable[[Node, Species], object], int]] = {
    "birds": (lambda node, species: queries.birds_between(RAGGED, RAGGED + 5 * HOUR), 2),
    "of a node": (lambda node, _: queries.birds_between(RAGGED, RAGGED + 5 * HOUR, node=node), 2),
    "of a species": (
        lambda _, species: queries.birds_between(RAGGED, RAGGED + 5 * HOUR, species=species),
        2,
    ),
    "of both": (
        lambda node, species: queries.birds_between(
            RAGGED, RAGGED + 5 * HOUR, node=node, species=species
        ),
        2,
    ),
    "hours": (lambda *_: queries.per_hour(RAGGED, RAGGED + 5 * HOUR), 2),
    "species": (lambda *_: ranking.by_species(RAGGED, RAGGED + 5 * HOUR, limit=3), 2),
    "nodes": (lambda *_: ranking.by_node(RAGGED, RAGGED + 5 * HOUR), 2),
    "species of a node": (
        lambda node, _: ranking.by_species(RAGGED, RAGGED + 5 * HOUR, node=node, limit=3),
        2,
    ),
    "nodes of a species": (
        lambda _, species: ranking.by_node(RAGGED, RAGGED + 5 * HOUR, species=species),
        2,
    ),
    "nodes of a species ever": (lambda _, species: ranking.by_node(species=species), 2),
    "species of a node ever": (lambda node, _: ranking.by_species(node=node, limit=3), 2),
    "day": (
        lambda _, species: queries.species_by_hour(RAGGED, RAGGED + 24 * HOUR, [species]),
        3,
    ),
    "months of a node": (lambda node, _: periods.per_month([MARCH], node=node), 1),
    "months of a species": (lambda _, species: periods.per_month([MARCH], species=species), 1),
    "days": (lambda *_: periods.per_day(RAGGED, RAGGED + 72 * HOUR, KOLKATA), 2),
    "day's hours": (
        lambda _, species: periods.by_hour_of_day(RAGGED, RAGGED + 72 * HOUR, species=species),
        1,
    ),
}


def test_questions_take_few_queries_which_follow_the_indexes() -> None:
    fill(hours=500)
    for question in QUESTIONS:
        check_plans_of(question)


def check_plans_of(question: str) -> None:
    ask, count = QUESTIONS[question]
    node, species = Node.objects.first(), Species.objects.first()
    with CaptureQueriesContext(connection) as captured:
        ask(node, species)
    assert len(captured) == count, question
    for query in captured:
        plan = plan_of(query["sql"])
        tables = r"(birds_bird|rollups_\w+)"
        assert not re.search(rf"Seq Scan on {tables}|SCAN {tables}(?! USING)", plan), plan
        if "birds_bird" in query["sql"]:
            assert "timestamp" in plan, plan
