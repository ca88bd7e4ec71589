"""Birds through the API: pages that do not shift, files, and birds from elsewhere."""

import csv
import datetime
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from birdwatcher.audit.models import Entry
from birdwatcher.birds.models import Bird, Species
from birdwatcher.exports import places, stream
from birdwatcher.exports.models import Export
from birdwatcher.exports.places import OF_EACH
from tests.support.counted import counts_agree
from tests.support.flock import NOON, SECOND, insert, make_flock, make_nodes, make_species
from tests.support.program import Caller

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def walk(caller: Caller, query: str = "", link: str = "next") -> list[Any]:
    """Return all birds, page by page."""
    path: str | None = f"birds?{query}"
    met = []
    while path:
        page = caller.get(path)
        results = page["results"]
        met += results if link == "next" else results[::-1]
        path = page[link]
    return met


def keys(birds: list[Any]) -> list[int]:
    return [bird["id"] for bird in birds]


def expected(**of: object) -> list[int]:
    """Return the keys of birds, newest first."""
    birds = Bird.objects.filter(**of).order_by("-timestamp", "-pk")
    return list(birds.values_list("pk", flat=True))


def test_pages_hold_each_bird_once_in_either_order(caller: Callable[..., Caller]) -> None:
    birds, asking = make_flock(seed=1, count=60), caller("viewer", "read")
    assert keys(walk(asking, "page_size=7")) == expected()
    assert keys(walk(asking, "page_size=7&ordering=timestamp")) == expected()[::-1]
    assert keys(walk(asking, "doubtful=true")) == expected(doubtful=True)
    query = f"node={birds[0].node_id}&search=AL&page_size=3&doubtful=false"
    of = {"node": birds[0].node, "name__istartswith": "al", "doubtful": False}
    assert keys(walk(asking, query)) == expected(**of)


def test_the_way_back_is_the_way_there(caller: Callable[..., Caller]) -> None:
    make_flock(seed=2, count=30)
    asking = caller("viewer", "read")
    for order in ("timestamp", "-timestamp"):
        first = asking.get(f"birds?page_size=8&ordering={order}")
        second = asking.get(first["next"])
        assert asking.get(second["previous"])["results"] == first["results"]
        assert first["previous"] is None
        assert asking.get(second["previous"])["previous"] is None


def test_pages_do_not_shift_while_birds_come_in(caller: Callable[..., Caller]) -> None:
    flock, asking = make_flock(seed=3, count=20), caller("viewer", "read")
    page = asking.get("birds?page_size=6")
    before, there = keys(page["results"]), expected()
    node, species = flock[0].node, flock[0].species
    insert(Bird(timestamp=NOON + SECOND, name="New", node=node, species=species) for _ in "123")
    assert before + keys(walk(asking, page["next"].partition("?")[2])) == there


def test_both_ends_of_a_range_belong_to_it(caller: Callable[..., Caller]) -> None:
    flock, asking = make_flock(seed=4, count=1), caller("viewer", "read")
    node, species = flock[0].node, flock[0].species
    times = [NOON + number * datetime.timedelta(microseconds=1) for number in range(5)]
    made = insert(Bird(timestamp=at, name="X", node=node, species=species) for at in times)
    local = datetime.timezone(datetime.timedelta(hours=2))
    # A plus that nobody escaped is a space.
    start, end = (at.astimezone(local).isoformat() for at in (times[1], times[3]))
    found = walk(asking, f"start={start}&end={end.replace('+', '%2B')}")
    assert keys(found) == [bird.pk for bird in made[3:0:-1]]
    assert found[0]["timestamp"] == "2025-06-01T12:00:00.123459Z"
    assert len(walk(asking, f"start={times[2].isoformat()}&end={times[2].isoformat()}")) == 1


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_file_holds_the_same_birds(caller: Callable[..., Caller], form: str) -> None:
    make_flock(seed=5, count=50)
    asking = caller("viewer", "read")
    media = {"csv": "text/csv", "jsonl": "application/jsonl"}[form]
    for query, headers in (("?", {"Accept": media}), (f"?format={form}&doubtful=false", {})):
        answer = asking.ask("GET", f"birds{query}", **headers)
        assert answer["Content-Type"].startswith(media)
        text = b"".join(answer.streaming_content).decode()
        rows = (
            list(csv.DictReader(io.StringIO(text, newline="")))
            if form == "csv"
            else [json.loads(line) for line in text.splitlines()]
        )
        listed = walk(asking, query.partition("&")[2])
        assert [int(row["id"]) for row in rows] == keys(listed)
    assert asking.ask("HEAD", f"birds?format={form}").status_code == 200
    assert "ordering" in asking.get(f"birds?format={form}&ordering=timestamp", 400)["errors"]


def test_files_are_few_at_a_time(
    caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PIECE", 5)
    make_flock(seed=6, count=30)
    asking = caller("viewer", "read")
    under_way = [asking.ask("GET", "birds?format=csv") for _ in range(OF_EACH)]
    assert "wait for one" in asking.get("birds?format=csv", 429)["detail"]
    monkeypatch.setattr(places, "AT_ONCE", OF_EACH)
    other = caller("operator").ask("GET", "birds?format=csv")
    assert (other.status_code, other["Retry-After"]) == (503, "5")
    assert "Other files" in other.json()["detail"]
    for answer in under_way:
        answer.close()
    assert set(Export.objects.values_list("state", flat=True)) == {"broken off"}


def test_a_bird_from_elsewhere(caller: Callable[..., Caller]) -> None:
    flock, asking = make_flock(seed=7, count=3), caller()
    now = datetime.datetime.now(datetime.UTC)
    given = {"timestamp": now.isoformat(), "name": "Zoë", "node_id": flock[0].node_id}
    told = asking.post("birds", {**given, "species": "Parus major"})
    species = Species.objects.get(name="Parus major")
    assert told == asking.get(f"birds/{told['id']}")
    assert (told["name"], told["species_id"], told["doubtful"]) == ("Zoë", species.pk, False)
    old = {**given, "timestamp": "2025-01-01T00:00:00+05:45", "species": "Wren"}
    told = asking.post("birds", old)
    assert (told["timestamp"], told["doubtful"]) == ("2024-12-31T18:15:00Z", True)
    counts_agree()
    assert asking.ask("DELETE", f"birds/{told['id']}").status_code == 204
    assert asking.get(f"birds/{told['id']}", 404) == {"detail": "Not found."}
    counts_agree()
    noted = Entry.objects.order_by("pk").values_list("action", flat=True)
    assert list(noted) == ["add", "add", "delete"]


GOOD = {"timestamp": "2026-05-01T08:46:00Z", "name": "Robin", "species": "Wren", "node_id": 1}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timestamp", "yesterday"),
        ("timestamp", "2026-05-01"),
        ("timestamp", "0001-01-01T00:00:00Z"),
        ("timestamp", 7),
        ("name", ""),
        ("name", "a\0b"),
        ("name", 7),
        ("species", "x" * 256),
        ("species", None),
        ("node_id", 99),
        ("node_id", True),
        ("node_id", 2**63),
    ],
)
def test_nonsense_is_refused_by_its_field(
    caller: Callable[..., Caller], field: str, value: object
) -> None:
    make_flock(seed=8, count=1)
    answer = caller().post("birds", {**GOOD, field: value}, 400)
    assert list(answer["errors"]) == [field]
    assert Bird.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=2026-05-02T00:00:00Z&end=2026-05-01T00:00:00Z", "end"),
        ("start=soon", "start"),
        ("end=", "end"),
        ("node=99", "node"),
        ("species=x", "species"),
        ("doubtful=perhaps", "doubtful"),
        ("ordering=name", "ordering"),
        ("page_size=501", "page_size"),
        ("cursor=1.2", "cursor"),
        ("nodes=1", "nodes"),
        ("node=999999&node=1", "node"),
        ("search=&search=", "search"),
        ("format=json&format=json", "format"),
        ("node=1_0", "node"),
        ("node=\uff11", "node"),
        ("species=%201", "species"),
        ("page_size=+7", "page_size"),
    ],
)
def test_nonsense_in_an_address_is_refused_by_its_name(
    caller: Callable[..., Caller], query: str, field: str
) -> None:
    make_nodes(10)
    make_species("Wren")
    assert list(caller("viewer").get(f"birds?{query}", 400)["errors"]) == [field]
