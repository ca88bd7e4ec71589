"""How the table of birds is read: along its key, however many there are, and whatever is wanted."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.birds.models import Bird
from birdwatcher.feed.birds import deletions, replay, table
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.birds.news import AT_ONCE
from birdwatcher.feed.birds.recent import Recent
from birdwatcher.feed.birds.table import BirdTable
from birdwatcher.feed.cursor import Cursor, DeletionCursor
from birdwatcher.feed.models import Deletion
from tests.support.livefeed import Field
from tests.support.plans import analyze, plan_of


def at(key: int) -> Cursor:
    """Return a cursor among the birds, before all deletions."""
    return Cursor(key, DeletionCursor(0, 0))


def test_the_plans_follow_the_key(field: Field) -> None:
    for _ in range(10):
        field.hear(3000)
    analyze()
    for of in ("all", "node", "species", "both"):
        check_plans(field, of)


def check_plans(field: Field, of: str) -> None:
    last = Bird.objects.order_by("pk").last().pk
    wanted = BirdFilter.of(
        field.nodes[0].pk if of in {"node", "both"} else None,
        field.species[0].pk if of in {"species", "both"} else None,
    )
    table_of_birds = BirdTable(Recent())
    with CaptureQueriesContext(connection) as captured:
        assert table.newest() == last
        assert len(table_of_birds.after(at(last - 3)).birds) == 3
        assert not table_of_birds.after(at(last)).birds
        assert table.resume(wanted, last - 2100, last).birds[-1].id in {last, last - 1}
        piece = replay.piece(Recent(), wanted, at(last - 2100), None, whole=False)
        assert len(piece.birds) == AT_ONCE
        assert piece.end.key == piece.birds[-1].id
        end = piece.end._replace(key=last)
        assert replay.piece(Recent(), wanted, end, None, whole=False).complete
    birds = [it["sql"] for it in captured if "birds_bird" in it["sql"] and "SELECT" in it["sql"]]
    assert len(birds) <= 8
    for sql in birds:
        plan = plan_of(sql)
        key = (
            r"Index (Only )?Scan (Backward )?using birds_bird_pkey|birds_bird USING INTEGER PRIMARY"
        )
        last_one = r"SCAN birds_bird"  # from its end, along the key, and no further than one row
        assert re.search(key, plan) or (sql.endswith("LIMIT 1") and re.match(last_one, plan)), plan
        assert not re.search(r"Sort|Seq Scan on birds_bird|TEMP B-TREE", plan), plan


def test_as_long_as_nothing_is_written_sqlite_is_not_asked_for_birds(field: Field) -> None:
    field.hear(2)
    table_of_birds = BirdTable(Recent())
    with CaptureQueriesContext(connection) as captured:
        assert [bird.name for bird in table_of_birds.after(at(0)).birds] == ["#0", "#1"]
        for _ in range(5):
            assert [bird.name for bird in table_of_birds.after(at(1)).birds] in ([], ["#1"])
    asked = [it for it in captured if '"birds_bird"' in it["sql"]]
    assert len(asked) == (1 if connection.vendor == "sqlite" else 6)


@pytest.mark.usefixtures("database")
def test_deletions_are_read_in_their_order_along_its_index() -> None:
    now = timezone.now()
    Deletion.objects.bulk_create(
        Deletion(xact=n // 20, node_id=1, species_id=1, birds=[n], at=now) for n in range(9000)
    )
    analyze()
    place, last = DeletionCursor(50, 0), DeletionCursor(400, 2**63 - 1)
    read: list[int] = []
    with CaptureQueriesContext(connection) as captured:
        more = True
        while more:
            some, more = deletions.after(place, last)
            read += [key for it in some for key in it.birds]
            assert len(some) <= deletions.BIRDS
            place = some[-1].cursor if some else place
    assert read == list(range(1000, 8020))
    plan = plan_of(captured[0]["sql"])
    assert "live_deletion_order" in plan
    assert not re.search(r"Sort|Seq Scan|TEMP B-TREE|SCAN", plan), plan


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("database")
def test_deletions_are_cut_by_their_birds() -> None:
    Deletion.objects.bulk_create(
        Deletion(xact=1, node_id=1, species_id=1, birds=[n] * size, at=timezone.now())
        for n, size in enumerate([500] * 9 + [1] * 1501)
    )
    place, counts, more = DeletionCursor(0, 0), [], True
    while more:
        some, more = deletions.after(place)
        counts.append((len(some), sum(len(it.birds) for it in some)))
        place = some[-1].cursor
    # Of single birds so many rows; of more, so many birds.
    assert counts == [(5, 2500), (504, 2500), (1000, 1000), (1, 1)]
