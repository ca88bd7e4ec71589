"""Lists as files: all rows that the filters leave, in the order asked for, each of them once."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from birdwatcher.birds.models import Species
from birdwatcher.daemon.models import Daemon
from birdwatcher.exports import stream
from birdwatcher.exports.models import Export
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket, StatusChange
from tests.support.flock import NOON, SECOND, make_species
from tests.support.program import Caller

LISTS = ("nodes", "species", "rejected-packets", "status-changes")
sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read three rows at a time."""
    monkeypatch.setattr(stream, "PIECE", 3)


def fill() -> None:
    """Make ten of everything: nodes of which many have the same name, and awkward values."""
    now = timezone.now()
    Daemon.objects.create(pk=Daemon.ONLY, pid=1, host="here", started_at=now, seen_at=now)
    for number in range(10):
        name, address = ("=1+1", "Moor")[number % 2], ("::1", "10.0.0.9", "10.0.0.10")[number % 3]
        node = Node.objects.create(name=name, ip_address=address, port=100 + number)
        at = NOON + number % 4 * SECOND
        if number % 5:
            NodeStatus.objects.create(node=node, state="connected", since=at, last_error="-x")
        StatusChange.objects.create(node=node, at=at, state="connected", detail=f"@{number}")
        RejectedPacket.objects.create(node=node, at=at, reason="not JSON", size=2, raw=b"\xfb")
        Species.objects.create(name=f"{'=é x'[number % 4]}{number}")


def body(answer: HttpResponse) -> str:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content).decode()


def objects(caller: Caller, path: str) -> list[Any]:
    """Return what a file of JSON lines holds."""
    answer = caller.ask("GET", path, Accept="application/jsonl")
    return [json.loads(line) for line in body(answer).splitlines()]


def flat(record: dict[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the cells of what JSON tells."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from flat(value, f"{within}{name}_")
        else:
            yield within + name, value


def cell(value: Any) -> str:
    """Return how CSV has a value."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
    return "" if value is None else json.dumps(value)


def test_a_file_holds_what_the_pages_hold(caller: Callable[..., Caller], database: object) -> None:
    fill()
    asking = caller("viewer", "read")
    some = Node.objects.order_by("pk")[4]
    for path in (
        *LISTS,
        "nodes?ordering=-port",
        "nodes?ordering=name,-ip_address",
        "nodes?ordering=-name&state=connected&enabled=true",
        "nodes?ordering=-ip_address&search=10",
        "species?ordering=-name",
        "species?ordering=id&search=x",
        f"status-changes?node={some.pk}",
        "rejected-packets?ordering=id&end=2025-06-01T12:00:02Z",
    ):
        listed = asking.get(path)["results"]
        assert listed
        assert objects(asking, path) == listed


@sqlite
@pytest.mark.parametrize("path", LISTS)
def test_a_row_of_csv_has_each_field(caller: Callable[..., Caller], path: str) -> None:
    fill()
    asking = caller("viewer", "read")
    answer = asking.ask("GET", f"{path}?format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer["Content-Disposition"] == f'attachment; filename="{path}.csv"'
    assert answer["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(body(answer), newline="")))
    cells = [{name: cell(it) for name, it in flat(row)} for row in asking.get(path)["results"]]
    assert rows == cells
    assert any(value.startswith("'") for row in rows for value in row.values())


@sqlite
def test_rows_that_come_and_go_meanwhile_move_no_others(caller: Callable[..., Caller]) -> None:
    asking = caller("viewer", "read")
    there = make_species("b", "d", "f", "h", "j", "l", "n")
    pieces = iter(asking.ask("GET", "species?format=jsonl").streaming_content)
    lines = next(pieces) + next(pieces)
    make_species("a", "c", "g", "i", "m", "z")
    for gone in (there[0], there[2], there[4]):
        gone.delete()
    lines += b"".join(pieces)
    assert [json.loads(it)["name"] for it in lines.decode().splitlines()] == list("bdfhln")


@sqlite
def test_a_file_of_nothing_has_its_head(caller: Callable[..., Caller]) -> None:
    asking = caller("viewer", "read")
    assert body(asking.ask("GET", "status-changes?format=csv")) == (
        "id,node_id,at,state,pid,detail\r\n"
    )
    assert body(asking.ask("GET", "nodes?format=jsonl")) == ""
    head = asking.ask("HEAD", "nodes?format=csv")
    assert (head.status_code, body(head)) == (200, "")
    assert "nodes.csv" in head["Content-Disposition"]
    assert Export.objects.count() == 2


@sqlite
def test_what_is_no_file_is_said_in_json(caller: Callable[..., Caller]) -> None:
    asking = caller("viewer", "read")
    for query, fields in (
        ("page=1", ["page"]),
        ("page_size=5&page=2", ["page", "page_size"]),
        ("ordering=x", ["ordering"]),
        ("x=1", ["x"]),
    ):
        for path in LISTS:
            answer = asking.get(f"{path}?format=csv&{query}", 400)
            assert list(answer["errors"]) == fields
    assert not Export.objects.exists()
    assert Caller().ask("GET", "nodes?format=csv").status_code == 401


@sqlite
def test_all_files_count_together(caller: Callable[..., Caller]) -> None:
    asking, other = caller("viewer", "read"), caller("operator")
    under_way = [asking.ask("GET", f"{path}?format=csv") for path in ("nodes", "birds")]
    assert "wait for one" in asking.get("species?format=jsonl", 429)["detail"]
    body(other.ask("GET", "species?format=jsonl"))
    for answer in under_way:
        answer.close()
    exports = Export.objects.order_by("pk").values_list("kind", "title", "state")
    assert list(exports) == [
        *((it, f"all {it}", "broken off") for it in ("nodes", "birds")),
        ("species", "all species", "done"),
    ]
    body(asking.ask("GET", "species?format=jsonl&search=x"))
    assert Export.objects.latest("pk").title == "search x"
    # The page of birds tells of those of birds.
    browser = Client()
    browser.force_login(User.objects.get(username="viewer"))
    page = browser.get("/birds/exports/").content.decode()
    assert "all birds" in page
    assert "all nodes" not in page
