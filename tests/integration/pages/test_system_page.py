"""The page of the system: how the daemon does, its processes, the database."""

import datetime
import re

import pytest
from django.test import Client
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.database import engine
from birdwatcher.daemon.models import Daemon, DaemonProcess
from birdwatcher.nodes.models import Node
from birdwatcher.pages.system.sizes import extents
from nodeproc.states import NodeState
from nodeproc.wire.messages import DiskRoom
from supervisor import VERSION
from tests.support.databases import POSTGRESQL, Database
from tests.support.network import browser_of, queries_of, run_daemon, tell
from tests.support.plans import analyze

pytestmark = pytest.mark.usefixtures("database")

SYSTEM = "/system/"
LONG = datetime.timedelta(hours=2)


@pytest.fixture
def client(database: object) -> Client:
    """A viewer's browser."""
    return browser_of("viewer")


def html_of(client: Client, query: str = "") -> str:
    response = client.get(SYSTEM + query)
    assert response.status_code == 200
    return response.content.decode()


def run_processes(nodes: int = 2) -> None:
    """Make a daemon that runs well, and its processes."""
    now = timezone.now()
    run_daemon(
        started_at=now - LONG, nodes=nodes, connected=nodes, backlog=1234, spooled=234, lag=12.0,
        events_per_second=812.4, commit_seconds=0.0042, version=VERSION,
        disks=[DiskRoom("spools", "/data", 5 << 20, 90 << 30, 4 << 20, 2 << 20, False)._asdict()],
    )  # fmt: skip
    rows = [
        DaemonProcess(
            role=role, pid=pid, started_at=now - LONG, seen_at=now, resident_bytes=pid * 1_048_576,
            cpu_percent=pid / 10,
        )
        for pid, role in ((10, "supervisor"), (20, "writer"))
    ]  # fmt: skip
    for n in range(1, nodes + 1):
        node = Node.objects.create(name=f"moor {n}", ip_address="10.0.0.1", port=n)
        tell(node, NodeState.CONNECTED, pid=100 + n, last_event_at=now)
        rows.append(
            DaemonProcess(
                role="node", node=node, pid=100 + n, started_at=now - LONG + n * LONG / 1000,
                seen_at=now, resident_bytes=(100 + n) * 1_048_576, cpu_percent=0.5 / n,
            )
        )  # fmt: skip
    DaemonProcess.objects.bulk_create(rows)


def listed(html: str) -> list[int]:
    """Return the ids of the listed processes, in their order."""
    return [int(pid) for pid in re.findall(r'data-label="Process id">(\d+)', html)]


def test_a_daemon_that_does_well(client: Client) -> None:
    run_processes()
    html = html_of(client)
    assert "All is well." in html
    assert "2 nodes, 2 connected; 812 events/s" in html
    assert re.search(r"spools <[^>]*>/data<.*>5.0\s*MB<.*>90.0\s*GB<", html)
    for text in (">1,234<", "the oldest for 12 s", ">234<", ">4.2<small> ms", ">812<", "2 h"):
        assert text in html
    assert listed(html) == [10, 20, 101, 102]
    assert "4 processes: 233.0\xa0MB" in html
    assert re.search(r'href="/nodes/\d+/">moor 1<', html)
    assert "another version" not in html


def test_a_daemon_that_falls_behind_says_so(client: Client) -> None:
    run_processes()
    Daemon.objects.update(lag=400.0)
    html = html_of(client)
    assert "notice-error" in html
    assert "falling behind: 1,234 events wait, the oldest for 6 min" in html


@pytest.mark.parametrize("how", ["never ran", "vanished", "stopped"])
def test_without_a_daemon_no_process_is_listed(client: Client, how: str) -> None:
    if how != "never ran":
        run_processes()
    if how == "vanished":
        Daemon.objects.update(seen_at=timezone.now() - datetime.timedelta(seconds=30))
    if how == "stopped":
        Daemon.objects.update(stopped_at=timezone.now())
    html = html_of(client)
    said = {"never ran": "has never run", "vanished": "was last seen", "stopped": "was stopped"}
    assert f"The daemon {said[how]}" in html
    assert "None runs" in html
    assert listed(html) == []
    assert "All is well" not in html


def test_other_versions_are_told(client: Client) -> None:
    run_processes()
    Daemon.objects.update(version="9.9.9")
    assert "The daemon has version 9.9.9" in html_of(client)


def test_the_processes_are_ordered_and_paged(client: Client) -> None:
    run_processes(nodes=80)
    assert listed(html_of(client, "?sort=-memory"))[:2] == [180, 179]
    assert listed(html_of(client, "?sort=-cpu"))[:3] == [20, 10, 101]
    assert listed(html_of(client, "?sort=pid"))[:3] == [10, 20, 101]
    assert listed(html_of(client, "?sort=-up"))[0] == 180
    first, second = (html_of(client, f"?sort=-memory&page={page}") for page in (1, 2))
    assert (len(listed(first)), len(listed(second))) == (50, 32)
    assert "51 to 82 of 82" in second
    assert "82 processes" in first


@pytest.mark.parametrize("query", ["?sort=x", "?sort=--cpu", "?page=0", "?page=9", "?page=x%00"])
def test_nonsense_in_the_address_is_told(client: Client, query: str) -> None:
    run_processes()
    html = html_of(client, query)
    assert "notice-warning" in html
    assert listed(html) == [10, 20, 101, 102]


def test_the_queries_do_not_grow_and_read_no_table_of_birds(client: Client) -> None:
    run_processes(nodes=1)
    before = queries_of(client, SYSTEM)
    Daemon.objects.all().delete()
    Node.objects.all().delete()
    DaemonProcess.objects.all().delete()
    run_processes(nodes=300)
    after = queries_of(client, SYSTEM)
    assert len(before) == len(after) <= 27
    # The first and the last key, from the ends of its index, are all that is asked of birds.
    assert all("MIN(" in sql or "MAX(" in sql for sql in after if '"birds_bird"' in sql)


def test_the_database_is_told(client: Client, database: Database) -> None:
    node = Node.objects.create(name="n", ip_address="10.0.0.1", port=1)
    species = Species.objects.create(name="Wren")
    Bird.objects.bulk_create(
        Bird(timestamp=timezone.now(), name="Al", species=species, node=node) for _ in range(1000)
    )
    if database.vendor == POSTGRESQL:
        assert extents()["Birds"].rows is None
    analyze()
    found = engine().facts()
    assert found.kind == ("PostgreSQL" if database.vendor == POSTGRESQL else "SQLite")
    assert extents()["Birds"].rows == 1000
    assert found.size > 100_000
    assert "1,000" in html_of(client)
    assert found.version in html_of(client)


def test_only_readers_see_it() -> None:
    assert Client().get(SYSTEM).status_code == 302
    assert browser_of("viewer").post(SYSTEM).status_code == 405
