"""Finding birds: each exactly once and in order, whichever way leads to them."""

import dataclasses
import datetime
import itertools
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.api.paging import bird_page
from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.nodes.models import Node
from birdwatcher.search import pages, totals, walk
from birdwatcher.search.keyset import Direction, Position
from birdwatcher.search.search import Search
from tests.support.flock import NOON, SECOND, insert, make_flock, make_nodes, make_species
from tests.support.plans import plans

DAY = datetime.timedelta(days=1)

pytestmark = pytest.mark.usefixtures("database")

HOUR = datetime.timedelta(hours=1)


def expected(search: Search) -> list[int]:
    """Return the keys of the birds that fit, one bird after another looked at here."""

    def fits(bird: Bird) -> bool:
        return (
            (search.node is None or bird.node_id == search.node)
            and (search.species is None or bird.species_id == search.species)
            and bird.name.lower().startswith(search.prefix.lower())
            and (search.start is None or bird.timestamp >= search.start)
            and (search.end is None or bird.timestamp < search.end)
            and (search.newest is None or bird.pk <= search.newest)
            and search.doubtful in {None, bird.doubtful}
        )

    found = filter(fits, Bird.objects.all())
    return [it.pk for it in sorted(found, key=lambda it: (it.timestamp, it.pk), reverse=True)]


def searches(seed: int, count: int = 60) -> list[Search]:
    """Return searches by combinations of filters, all other ones with each seed."""
    nodes = [None, *Node.objects.values_list("pk", flat=True)[:2]]
    species = [None, *Species.objects.order_by("pk").values_list("pk", flat=True)]
    ranges = [(None, None), (NOON - 30 * HOUR, NOON - 5 * HOUR), (None, NOON - 20 * HOUR)]
    prefixes = ["", "AL", "bob 1", "nobody", "100%", "a_"]
    every = [
        Search(node, kind, prefix, start, end, doubtful)
        for node, kind, prefix, (start, end), doubtful in itertools.product(
            nodes, species, prefixes, ranges, (False, True, None)
        )
    ]
    return random.Random(seed).sample(every, count)  # noqa: S311


@pytest.fixture
def short_walks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of four birds, and walks that soon have to stop."""
    monkeypatch.setattr(pages, "SIZE", 4)
    monkeypatch.setattr(walk, "WINDOW", 12)
    monkeypatch.setattr(walk, "RARE", 9)
    monkeypatch.setattr(walk, "HOURS", 3)
    monkeypatch.setattr(walk, "STEPS", 2)


@pytest.mark.usefixtures("short_walks")
def test_paging_meets_each_bird_once() -> None:
    make_flock(seed=1, count=120)
    for search in searches(seed=1):
        keys = expected(search)
        page, met = pages.newest(search), []
        last = page
        while True:
            met += [bird.pk for bird in page.birds]
            if page.older is None:
                break
            last, page = page, pages.older_than(search, page.older)
        assert met == keys, search
        assert last.birds or last.stopped or not keys


@pytest.mark.usefixtures("short_walks")
def test_paging_back_meets_each_bird_once() -> None:
    make_flock(seed=2, count=120)
    for search in searches(seed=2):
        keys, met = expected(search), []
        start: Position | None = Position(EARLIEST)
        while start is not None:
            found = walk.find(search, start, Direction.NEWER, 4)
            met += [place.key for place in found.birds]
            start = found.stopped or (found.birds[-1] if len(found.birds) == 4 else None)
        assert met == keys[::-1], search


@pytest.fixture
def scattered(short_walks: None, monkeypatch: pytest.MonkeyPatch) -> Search:
    """A search for a few birds far between, so that many pages are empty."""
    monkeypatch.setattr(walk, "WINDOW", 3)
    monkeypatch.setattr(walk, "RARE", 2)
    (node,), (species,) = make_nodes(1), make_species("Wren")
    names = random.Random(8).choices(["Al", "Bo"], [1, 6], k=120)  # noqa: S311
    insert(
        Bird(timestamp=NOON + n // 2 * SECOND, name=name, species=species, node=node)
        for n, name in enumerate(names)
    )
    return Search(node=node.pk, prefix="al")


@pytest.mark.parametrize("order", Direction)
def test_from_any_page_the_way_back_passes_over_none(scattered: Search, order: Direction) -> None:
    page, met, empty = bird_page(scattered, order, None, 2), [], 0
    while page.next:
        met += [bird.pk for bird in page.birds]
        page = bird_page(scattered, order, page.next, 2)
        empty += not page.birds
        back, behind = page, []
        while back.previous:
            back = bird_page(scattered, order, back.previous, 2)
            behind += [bird.pk for bird in reversed(back.birds)]
        assert behind == met[::-1]
    assert empty


def test_between_empty_pages_the_way_back_passes_over_none(scattered: Search) -> None:
    page, met, empty = pages.newest(scattered), [], 0
    while page.older:
        met += [bird.pk for bird in page.birds]
        page = pages.older_than(scattered, page.older)
        back = page
        while met and not back.birds:
            empty += 1
            assert back.newer
            back = pages.newer_than(scattered, back.newer)
        assert page.birds or not met or back.birds[-1].pk == met[-1]
    assert empty


def test_a_bird_on_the_edge_of_a_page_that_was_emptied() -> None:
    (node,), (species,) = make_nodes(1), make_species("Wren")
    birds = insert(
        Bird(timestamp=NOON + n * SECOND, name="Al", species=species, node=node) for n in range(4)
    )
    first = bird_page(Search(), Direction.OLDER, None, 1)
    second = bird_page(Search(), Direction.OLDER, first.next, 1)
    third = bird_page(Search(), Direction.OLDER, second.next, 1)
    Bird.objects.filter(pk__in=[birds[2].pk, birds[3].pk]).delete()
    emptied = bird_page(Search(), Direction.OLDER, third.previous, 1)
    assert (emptied.birds, emptied.previous) == ([], None)
    assert bird_page(Search(), Direction.OLDER, emptied.next, 1).birds == third.birds == [birds[1]]
    # Nor can a key lie beyond the last one, or before the first.
    assert Direction.NEWER.returning_to(Position(NOON, BIGGEST_KEY)).key == BIGGEST_KEY
    assert Direction.OLDER.returning_to(Position(NOON)) == Position(NOON)


@pytest.mark.usefixtures("short_walks")
def test_an_export_meets_each_bird_once_and_none_that_came_later() -> None:
    birds = make_flock(seed=3, count=120)
    for search in searches(seed=3):
        old = dataclasses.replace(search, newest=birds[80].pk)
        met = [place.key for piece in pages.everything(old, 5) for place in piece]
        assert met == expected(old), search


def test_the_known_totals_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    make_flock(seed=4, count=120)
    monkeypatch.setattr(walk, "RARE", 20)
    known = 0
    for search in searches(seed=4, count=150):
        total = totals.known(search)
        assert total is None or total == totals.Total(len(expected(search))), search
        of_all = search.node is search.species is None
        assert total or search.prefix or (of_all and search.end and not search.start)
        known += total is not None and bool(search.prefix)
    assert known > 20


def test_too_many_doubtful_birds_are_counted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    make_flock(seed=5, count=100)
    monkeypatch.setattr(totals, "ENOUGH", 3)
    assert totals.known(Search()) == totals.Total(100, with_doubtful=True)
    assert totals.known(Search(doubtful=True)) is None


def test_a_long_range_is_not_added_up_over_all_species() -> None:
    birds = make_flock(seed=6, count=100)
    month = Search(start=NOON - totals.LONGEST, end=NOON)
    longer = dataclasses.replace(month, start=NOON - totals.LONGEST - SECOND)
    assert totals.known(longer) is totals.known(Search(end=NOON)) is None
    for search in (month, dataclasses.replace(longer, species=birds[0].species_id)):
        with CaptureQueriesContext(connection) as captured:
            assert totals.known(search) == totals.Total(len(expected(search)))
        read = [plan for plan in plans(captured) if "rollups_" in plan.sql]
        assert read
        assert not [plan.text for plan in read if plan.read_whole]


def test_a_range_that_has_no_end_is_as_long_as_until_now() -> None:
    now = timezone.now()
    make_flock(seed=7, count=20)
    assert totals.known(Search(start=now - DAY)) == totals.Total(0)
    assert totals.known(Search(start=now - totals.LONGEST - DAY)) is None


def test_pages_stay_as_they_are_while_birds_come_in() -> None:
    (node,), (species,) = make_nodes(1), make_species("Wren")

    def add(numbers: range) -> None:
        insert(
            Bird(timestamp=NOON + n * SECOND, name=f"B{n}", species=species, node=node)
            for n in numbers
        )

    add(range(120))
    first = pages.newest(Search())
    assert first.older
    second = pages.older_than(Search(), first.older)
    add(range(120, 150))
    assert pages.older_than(Search(), first.older) == second
    assert second.older
    third = pages.older_than(Search(), second.older)
    assert [bird.name for bird in third.birds] == [f"B{n}" for n in range(19, -1, -1)]
    assert third.older is None
    assert third.newer
    back = pages.newer_than(Search(), third.newer)
    assert back.birds == second.birds
    assert back.newer
    # Those that came in meanwhile are on the first page; the one before is not torn.
    assert pages.newer_than(Search(), back.newer).birds == first.birds
    # A page that is not full is the first one.
    assert pages.newer_than(Search(), Position(NOON + 130 * SECOND)) == pages.newest(Search())


def test_birds_of_the_first_and_last_moment() -> None:
    (node,), (species,) = make_nodes(1), make_species("Wren")
    for at in (EARLIEST, LATEST):
        insert([Bird(timestamp=at, name="Al", species=species, node=node)])
    found = pages.newest(Search(node=node.pk, species=species.pk))
    assert [bird.timestamp for bird in found.birds] == [LATEST, EARLIEST]
    assert Position.parse(str(Position(EARLIEST, 1))) == Position(EARLIEST, 1)
    assert Position.parse(str(Position(LATEST, 1))) == Position(LATEST, 1)


@pytest.fixture
def many() -> Search:
    """Ten thousand birds, and a search for one node and one species among them."""
    nodes, species = make_nodes(8), make_species(*(f"S{n}" for n in range(6)))
    chance = random.Random(6)  # noqa: S311
    insert(
        Bird(
            timestamp=NOON + n * 6 * SECOND,
            name=f"{'Al' if n % 5 else 'Bo'} {n}",
            species=chance.choice(species),
            node=chance.choice(nodes),
            doubtful=n % 50 == 0,
        )
        for n in range(10_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Search(node=nodes[7].pk, species=species[5].pk)


@pytest.mark.parametrize("doubtful", [False, True])
def test_the_queries_are_few_and_follow_indexes(
    many: Search, doubtful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "RARE", 500)
    monkeypatch.setattr(walk, "WINDOW", 2_000)
    middle = Position(NOON + 8 * HOUR)
    for node, species, prefix, end in itertools.product(
        (None, many.node), (None, many.species), ("", "al", "bo 777"), (None, NOON + 9 * HOUR)
    ):
        search = Search(node, species, prefix, end=end, doubtful=doubtful)
        for at, way in (
            (None, pages.older_than),
            (middle, pages.older_than),
            (middle, pages.newer_than),
        ):
            with CaptureQueriesContext(connection) as queries:
                way(search, at)  # type: ignore[arg-type]
            assert len(queries) <= 2 * (3 * walk.STEPS + 3), search
            for plan in plans(queries):
                assert "birds_bird" not in plan.read_whole, (search, plan)
                # What is asked for by one index comes in its order. Of the doubtful birds there are
                # so few here that PostgreSQL would rather sort them.
                sorts_few = prefix or (node and species) or doubtful or plan.by_keys
                assert sorts_few or not plan.sorts, (search, plan)
