"""Exports: exactly what the filters leave, in either format, and how far each has come."""

import asyncio
import csv
import datetime
import io
import json
import threading
import zoneinfo

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from birdwatcher.birds.models import Bird
from birdwatcher.exports import birds as exports
from birdwatcher.exports import stream
from birdwatcher.exports.file_formats import Record
from birdwatcher.exports.models import Export, State
from birdwatcher.exports.places import AT_ONCE, OF_EACH
from birdwatcher.server.handler import BoundedApplication, Handler
from tests.support.configured import configured
from tests.support.flock import NOON, SECOND, insert, make_flock, make_nodes, make_species
from tests.support.network import browser_of

pytestmark = pytest.mark.usefixtures("database")

ZONE = "Asia/Kathmandu"
SIX = datetime.datetime(2025, 6, 1, 6, tzinfo=datetime.UTC)  # where it is 11:45
EXPORT, PROGRESS = "/birds/export/", "/birds/exports/"


@pytest.fixture
def client() -> Client:
    """A browser in Nepal in which a viewer is logged in."""
    client = browser_of("viewer")
    client.cookies["timezone"] = ZONE
    return client


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read seven birds at a time."""
    monkeypatch.setattr(stream, "PIECE", 7)
    monkeypatch.setattr(stream, "REPORT", 0.0)


def download(client: Client, query: str) -> str:
    """Return the file."""
    response = client.get(EXPORT + query)
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def expected(birds: list[Bird]) -> list[dict[str, object]]:
    """Return what a file should tell of birds."""
    found = sorted(birds, key=lambda bird: (bird.timestamp, bird.pk), reverse=True)
    return [
        {
            "id": bird.pk,
            "timestamp": bird.timestamp.astimezone(zoneinfo.ZoneInfo(ZONE)).isoformat(),
            "timestamp_utc": bird.timestamp.astimezone(datetime.UTC).isoformat(),
            "name": bird.name,
            "species": bird.species.name,
            "species_id": bird.species_id,
            "node": bird.node.name,
            "node_id": bird.node_id,
            "doubtful": bird.doubtful,
        }
        for bird in found
    ]


@pytest.mark.usefixtures("small_pieces")
def test_exactly_the_birds_that_the_filters_leave(client: Client) -> None:
    node = make_flock(seed=1, count=100)[0].node
    for query, birds in (
        ("", Bird.objects.filter(doubtful=False)),
        (f"node={node.pk}", Bird.objects.filter(doubtful=False, node=node)),
        ("name=al&clock=doubtful", Bird.objects.filter(doubtful=True, name__istartswith="al")),
        ("from=2025-06-01T11:45", Bird.objects.filter(doubtful=False, timestamp__gte=SIX)),
    ):
        rows = expected(list(birds.select_related("node", "species")))
        lines = download(client, f"?format=jsonl&{query}").splitlines()
        assert [json.loads(line) for line in lines] == rows
        text = download(client, f"?format=csv&{query}")
        assert text.endswith("\r\n")
        read = list(csv.DictReader(io.StringIO(text, newline="")))
        names = {str(row["id"]): str(row["name"]) for row in rows}
        assert [row["id"] for row in read] == list(names)
        for row in read:
            name = names[row["id"]]
            assert row["name"] == (f"'{name}" if name.startswith("=") else name)


def test_the_headers_of_a_file(client: Client) -> None:
    response = client.get(EXPORT + "?format=csv")
    assert response["Content-Type"].startswith("text/csv; charset=utf-8")
    assert response["Content-Disposition"].startswith('attachment; filename="birds-')
    assert "no-store" in response["Cache-Control"]
    assert b"".join(response.streaming_content) == b",".join(
        [b"id,timestamp,timestamp_utc,name,species,species_id,node,node_id,doubtful\r\n"]
    )
    response.close()
    response = client.head(EXPORT)
    assert response.status_code == 200
    assert Export.objects.count() == 1


@pytest.mark.parametrize(
    "query", ["?format=xml", "?species=x", "?node=99", "?from=soon", "?past=x"]
)
def test_no_file_of_what_was_not_asked_for(client: Client, query: str) -> None:
    response = client.get(EXPORT + query)
    assert response.status_code == 400
    assert "notice-error" in response.content.decode()
    assert not Export.objects.exists()


@pytest.mark.usefixtures("small_pieces")
def test_birds_that_come_in_meanwhile_are_not_in_it(client: Client) -> None:
    (node,), (species,) = make_nodes(1), make_species("Wren")

    def add(first: int) -> None:
        insert(
            Bird(timestamp=NOON - n * SECOND, name=f"B{first + n}", species=species, node=node)
            for n in range(20)
        )

    add(0)
    pieces = iter(client.get(EXPORT + "?format=jsonl").streaming_content)
    first = b"".join(next(pieces) for _ in range(2))
    add(20)
    lines = (first + b"".join(pieces)).decode().splitlines()
    assert [json.loads(line)["name"] for line in lines] == [f"B{n}" for n in range(20)]


@pytest.mark.usefixtures("small_pieces")
def test_the_page_tells_how_far_it_has_come(client: Client) -> None:
    make_flock(seed=2, count=40)
    plausible = Bird.objects.filter(doubtful=False).count()
    assert "hidden" in client.get(PROGRESS).content.decode()
    response = client.get(EXPORT + "?clock=plausible")
    pieces = iter(response.streaming_content)
    for _ in range(3):
        next(pieces)
    page = client.get(PROGRESS).content.decode()
    assert "every 1s" in page
    assert f'max="{plausible}"' in page
    assert "running" in page
    assert "all birds" in page
    list(pieces)
    page = client.get(PROGRESS).content.decode()
    assert "every 1s" not in page
    assert "done" in page
    assert f"{plausible} birds" in page
    assert page.strip() in client.get("/birds/").content.decode()


@pytest.mark.usefixtures("small_pieces")
def test_a_download_that_is_broken_off_is_told_so(client: Client) -> None:
    make_flock(seed=3, count=40)
    response = client.get(EXPORT)
    pieces = iter(response.streaming_content)
    next(pieces), next(pieces)
    response.close()
    row = Export.objects.get()
    assert (row.state, row.rows) == (State.BROKEN_OFF, 0)
    assert "broken off" in client.get(PROGRESS).content.decode()


@pytest.mark.usefixtures("small_pieces")
def test_an_export_that_fails_does_not_end_as_if_it_were_whole(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_flock(seed=4, count=40)
    pieces = iter(client.get(EXPORT).streaming_content)
    next(pieces), next(pieces)

    def fail(*_: object) -> None:
        raise OSError("no more")

    monkeypatch.setattr(exports, "records", fail)
    with pytest.raises(OSError, match="no more"):
        next(pieces)
    assert Export.objects.get().state == State.FAILED


def test_nobody_sees_the_exports_of_others(client: Client) -> None:
    make_flock(seed=5, count=5)
    download(client, "?name=al")
    assert "“al…”" in client.get(PROGRESS).content.decode()
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    assert "“al…”" not in other.get(PROGRESS).content.decode()
    with configured(public=True):
        stranger, another = Client(), Client()
        download(stranger, "?name=bob")
        assert "“bob…”" in stranger.get(PROGRESS).content.decode()
        assert "“al…”" not in stranger.get(PROGRESS).content.decode()
        download(another, "?name=zo")
        assert "“bob…”" not in another.get(PROGRESS).content.decode()


@configured(public=True)
@pytest.mark.parametrize("cookie", [r'"\000x"', 43 * "é", 44 * "a", ""])
def test_a_cookie_that_no_export_left_is_none(cookie: str) -> None:
    stranger = Client(headers={"Cookie": f"visitor={cookie}"})
    assert stranger.get("/birds/").status_code == 200
    assert "hidden" in stranger.get(PROGRESS).content.decode()
    download(stranger, "")
    assert len(stranger.cookies["visitor"].value) == 43


def test_exports_leave_room_for_pages(client: Client) -> None:
    others = [Client() for _ in range(AT_ONCE)]
    for number, other in enumerate(others):
        other.force_login(User.objects.create_superuser(f"other{number}"))
    under_way = [other.get(EXPORT) for other in others]
    refused = client.get(EXPORT)
    assert refused.status_code == 503
    assert int(refused["Retry-After"]) > 0
    under_way[0].close()
    download(client, "")
    # Nor does one that was refused, or that ended, keep its place.
    download(client, "")
    for response in under_way:
        response.close()


def test_few_at_once_and_old_ones_go(client: Client) -> None:
    user = User.objects.get()
    Export.objects.bulk_create(Export(user=user, title="x", format="csv") for _ in range(3))
    assert client.get(EXPORT).status_code == 429
    # A server that was killed told nobody.
    old = timezone.now() - Export.SILENT_AFTER
    Export.objects.update(updated_at=old)
    assert "silent" in client.get(PROGRESS).content.decode()
    download(client, "")
    Export.objects.update(started_at=timezone.now() - Export.KEPT_FOR - 2 * SECOND)
    assert "done" not in client.get(PROGRESS).content.decode()
    download(client, "")
    assert Export.objects.count() == 1


def test_few_at_once_also_if_they_come_at_the_same_moment(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others begin after this one was let in, and before it is there for all to see."""
    user, begin = User.objects.get(), exports.Birds.begin

    def begin_late(birds: exports.Birds) -> int | None:
        Export.objects.bulk_create(
            Export(user=user, title="x", format="csv") for _ in range(others)
        )
        return begin(birds)

    monkeypatch.setattr(exports.Birds, "begin", begin_late)
    others = OF_EACH
    for _ in range(AT_ONCE):
        assert client.get(EXPORT).status_code == 429
        assert Export.objects.filter(title="x").count() == Export.objects.count() == OF_EACH
        Export.objects.all().delete()
    # None that was refused keeps its place.
    others = OF_EACH - 1
    download(client, "")


@configured(public=True)
def test_few_at_once_for_strangers_at_one_address() -> None:
    """However many browsers they say they are, and whether they ask the API or the page."""
    under_way = [Client().get(address) for address in (EXPORT, "/api/v1/birds?format=csv")]
    for address in (EXPORT, "/api/v1/birds?format=csv"):
        assert Client().get(address).status_code == 429
    # Nor if they read so slowly that the exports seem to have ended.
    Export.objects.update(updated_at=timezone.now() - Export.SILENT_AFTER - SECOND)
    assert Client().get(EXPORT).status_code == 429
    # Others have places of their own.
    download(Client(REMOTE_ADDR="203.0.113.5"), "")
    for response in under_way:
        response.close()
    download(Client(), "")


@pytest.mark.usefixtures("small_pieces")
def test_a_client_that_leaves_ends_the_search(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the server in production does it, which does not wait in threads."""
    make_flock(seed=6, count=60)
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": EXPORT,
        "query_string": b"format=jsonl",
        "headers": [(b"host", b"localhost"), (b"cookie", cookie)],
    }

    real, gone, read = exports.records, threading.Event(), list[int]()

    def wait(keys: list[int], zone: datetime.tzinfo) -> list[Record]:
        if read:
            assert gone.wait(timeout=20)
        read.extend(keys)
        return real(keys, zone)

    async def receive_and_leave() -> None:
        server = ApplicationCommunicator(BoundedApplication(Handler(60)), scope)
        await server.send_input({"type": "http.request"})
        start = await server.receive_output(timeout=20)
        assert start["status"] == 200
        body = await server.receive_output(timeout=20)
        assert len(body["body"].splitlines()) == 7
        await server.send_input({"type": "http.disconnect"})
        await asyncio.sleep(0)  # the server takes note
        gone.set()
        await server.wait(timeout=20)

    monkeypatch.setattr(exports, "records", wait)
    asyncio.run(receive_and_leave())
    assert Export.objects.get().state == State.BROKEN_OFF
    assert len(read) <= 14
