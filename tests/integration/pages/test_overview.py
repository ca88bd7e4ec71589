"""The overview: its numbers against the birds counted one by one, its states, its queries."""

import datetime
import html
import random
import re
from collections import Counter
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.daemon.models import Daemon
from birdwatcher.nodes.models import Node, NodeStatus
from birdwatcher.pages.overview import figures, held
from birdwatcher.pages.overview.figures import Compared
from nodeproc.states import NodeState
from tests.support.flock import insert
from tests.support.follower import log_in
from tests.support.plans import analyze, plan_of

pytestmark = pytest.mark.usefixtures("database")

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
# The days before and after clocks go back in Berlin and forward in Lord Howe, and an ordinary one.
NOWS = [
    datetime.datetime(2025, 10, 26, 13, 20, 5, tzinfo=datetime.UTC),
    datetime.datetime(2025, 10, 5, 3, 0, 0, tzinfo=datetime.UTC),
    datetime.datetime(2026, 5, 1, 23, 59, 59, tzinfo=datetime.UTC),
]
ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page is made of what the database tells now."""
    monkeypatch.setattr(held, "KEPT", 1e-9)


def hear(times: list[datetime.datetime], kinds: int = 30) -> list[Bird]:
    """Make birds of these times, of many species and two nodes, some of them doubtful."""
    chance = random.Random(7)  # noqa: S311
    nodes = [
        Node.objects.create(name=f"Moor {port}", ip_address="::1", port=port) for port in (1, 2)
    ]
    species = Species.objects.bulk_create(Species(name=f"Bird {n:02}") for n in range(kinds))
    return insert(
        Bird(
            timestamp=time,
            name="x",
            doubtful=chance.random() < 0.1,
            species=species[int(kinds * chance.random() ** 2)],
            node=chance.choice(nodes),
        )
        for time in times
    )


def around(now: datetime.datetime, count: int = 3000) -> list[datetime.datetime]:
    """Return moments of the days around `now`."""
    chance = random.Random(8)  # noqa: S311
    return [now + DAY * chance.uniform(-3, 1) for _ in range(count)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("now", NOWS)
def test_every_number_is_exact(zone: str, now: datetime.datetime) -> None:
    birds = hear(around(now))

    def local(bird: Bird) -> datetime.datetime:
        return bird.timestamp.astimezone(ZoneInfo(zone))

    today = now.astimezone(ZoneInfo(zone)).date()
    clock = now.astimezone(ZoneInfo(zone)).time()
    heard = [bird for bird in birds if local(bird).date() == today]
    before = [bird for bird in birds if local(bird).date() == today - DAY]
    with timezone.override(zone):
        by_now = sum(local(bird).time() < clock for bird in before)
        assert figures.birds_today(now) == Compared(len(heard), by_now)
        then = figures.same_time_yesterday(now)
        assert then.astimezone(ZoneInfo(zone)).time() == clock
        assert figures.birds_last_hour(now) == Compared(
            sum(now - HOUR <= bird.timestamp < now for bird in birds),
            sum(then - HOUR <= bird.timestamp < then for bird in birds),
        )
        kinds = [len({bird.species_id for bird in of}) for of in (heard, before)]
        assert figures.species_today(now) == Compared(*kinds)
        chart = figures.chart(now)
        grid = figures.grid(now)
    check_chart(chart, birds, now)
    check_grid(grid, heard, zone)


def check_chart(chart: dict, birds: list[Bird], now: datetime.datetime) -> None:
    """Check the last 48 hours."""
    end = now.replace(minute=0, second=0) + HOUR
    hours = Counter((bird.timestamp - end) // HOUR for bird in birds)
    assert chart["series"][0]["data"] == [hours[n] for n in range(-48, 0)]
    assert len(chart["labels"]) == 48


def check_grid(grid: figures.Grid, heard: list[Bird], zone: str) -> None:
    """Check that the grid tells of the species most heard, and adds up."""
    totals = Counter(bird.species.name for bird in heard)
    shown = [(row.species.name, row.birds) for row in grid.rows]
    assert shown == sorted(totals.items(), key=lambda it: (-it[1], it[0]))[: len(shown)]
    assert len(shown) == min(len(totals), figures.SPECIES_SHOWN)
    assert grid.is_whole == (len(totals) == len(shown))
    begins = [it.astimezone(datetime.UTC) for it in grid.hours]
    assert grid.hours[0].astimezone(ZoneInfo(zone)).time() == datetime.time()
    for row in grid.rows:
        cells = Counter(
            max(n for n, begin in enumerate(begins) if begin <= bird.timestamp)
            for bird in heard
            if bird.species == row.species
        )
        assert [cell.birds for cell in row.cells] == [cells[n] for n in range(len(begins))]
        assert all(bool(cell.birds) == bool(cell.shade) for cell in row.cells)
    assert max(cell.shade for row in grid.rows for cell in row.cells) == figures.SHADES


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [(5, 0, ""), (5, 5, ""), (6, 5, "+20%"), (0, 5, "\N{MINUS SIGN}100%"), (60, 1, "+5,900%")],
)
def test_how_a_number_is_compared(now: int, before: int, said: str) -> None:
    assert Compared(now, before).change == said


@pytest.mark.parametrize(
    ("birds", "text"),
    [(0, ""), (7, "7"), (9999, "9999"), (12_999, "12k"), (9_999_999, "9999k"), (10**7, "10M")],
)
def test_what_is_written_in_a_cell(birds: int, text: str) -> None:
    assert figures.Cell(birds, 1).text == text


def words(page: str) -> str:
    """Return what can be read on a page."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


def read(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"/{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_without_anything_it_says_what_to_do() -> None:
    page = words(read(log_in()))
    assert "There are no nodes yet. An administrator can add the first one." in page
    assert "No birds yet" in page
    assert page.count("None yet today") == 2


def test_only_who_may_enter_the_admin_is_led_there() -> None:
    client = log_in()
    user = User.objects.get()
    user.user_permissions.add(Permission.objects.get(codename="add_node"))
    assert "/admin/" not in read(client)
    User.objects.update(is_staff=True)
    assert 'href="/admin/nodes/node/add/"' in read(client)


def daemon(**fields: object) -> None:
    now = timezone.now()
    row = {"host": "moor", "pid": 1, "started_at": now - DAY, "seen_at": now, **fields}
    Daemon.objects.update_or_create(pk=Daemon.ONLY, defaults=row)


def nodes(**states: int) -> None:
    """Make nodes by their states; of `none` nothing is known, `disabled` are."""
    for port, word in enumerate((word for word, count in states.items() for _ in range(count)), 1):
        node = Node.objects.create(
            name=f"Moor {port}", ip_address="::1", port=port, enabled=word != "disabled"
        )
        if word in NodeState.__members__:
            NodeStatus.objects.create(
                node=node,
                state=NodeState[word],
                since=timezone.now(),
                error="connection refused" if word == "BACKING_OFF" else "",
                last_error="timed out",
            )


def test_what_is_wrong_with_nodes_that_are_not_connected() -> None:
    daemon()
    nodes(CONNECTED=3, BACKING_OFF=7, CRASHED=1, none=1, disabled=2)
    page = read(log_in())
    assert "Nodes connected 3 of 12" in words(page)
    links = re.findall(
        r'id="in-[a-z-]+" class="badge badge-(\w+)" href="(/nodes/\?state=[^"]*)">([^<]*)<', page
    )
    assert sorted(links) == [
        ("bad", "/nodes/?state=backing%20off", "7 backing off"),
        ("bad", "/nodes/?state=crashed", "1 crashed"),
        ("busy", "/nodes/?state=waiting%20for%20its%20process", "1 waiting for its process"),
        ("quiet", "/nodes/?state=disabled", "2 disabled"),
    ]
    assert len(re.findall(r"<li>\s*<span class=\"badge", page)) == 6
    assert "connection refused" in page
    assert "timed out" not in page
    assert "and 3 more: all nodes by their state" in words(page)
    assert "Only 3 of 12 nodes are connected; processes that crashed: 1." in words(page)


def test_when_all_is_well_nothing_is_said() -> None:
    daemon()
    nodes(CONNECTED=3)
    page = words(read(log_in()))
    assert "Nodes connected 3 of 3 all of them" in page
    assert "Not connected" not in page
    assert "More about the system" not in page


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (None, "The daemon has never run."),
        ("seen_at", "The daemon has not been seen for 60 min."),
        ("stopped_at", "The daemon was stopped 60 min ago."),
    ],
)
def test_without_the_daemon_no_node_is_called_connected(since: str | None, said: str) -> None:
    if since:
        daemon(**{since: timezone.now() - HOUR})
    nodes(CONNECTED=3, BACKING_OFF=1)
    page = words(read(log_in()))
    assert said in page
    assert "Nodes connected — of 4" in page
    assert "4 unknown" in page


def test_parts_refresh_on_their_own() -> None:
    hear(around(timezone.now(), 100))
    client = log_in()
    whole = read(client)
    for part, others in {"now": ["counts", "feed"], "counts": ["now", "feed"]}.items():
        page = read(client, **{"HX-Request": "true", "HX-Target": part})
        assert f'id="{part}"' in page
        assert not [other for other in others if f'id="{other}"' in page]
        assert len(page) < len(whole)
    assert 'id="feed"' in read(client, "?now=x&since=%00", **{"HX-Target": "nonsense"})


def test_the_feed_begins_with_the_birds_that_came_last() -> None:
    now = timezone.now()
    birds = hear([now - HOUR * chance for chance in random.Random(9).sample(range(60), 60)])  # noqa: S311
    page = read(log_in())
    lines = re.findall(r"<li>.*?</li>", page.partition('id="feed-lines"')[2], re.DOTALL)[:50]
    shown = [re.search(r'datetime="([^"]*)"', line)[1] for line in lines]
    assert shown == [bird.timestamp.isoformat() for bird in reversed(birds)][:50]
    assert f'data-since="{birds[-1].pk}"' in page


def test_names_are_texts_and_no_markup() -> None:
    hear([timezone.now()], kinds=1)
    for model in (Species, Node, Bird):
        model.objects.update(name="<b onclick=x>&\"'")
    assert "<b onclick" not in read(log_in())


def captured(ask: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        ask()
    return [query["sql"] for query in queries]


@pytest.mark.parametrize(("target", "most"), [("", 36), ("now", 26), ("counts", 13)])
def test_queries_are_few_however_many_birds(target: str, most: int) -> None:
    daemon()
    client = log_in()
    client.cookies["timezone"] = "Asia/Kathmandu"  # in which days begin within an hour of UTC

    def ask() -> object:
        return read(client, **({"HX-Target": target} if target else {}))

    hear(around(timezone.now(), 20), kinds=2)
    few = captured(ask)
    assert len(few) <= most
    Node.objects.all().delete()
    Species.objects.all().delete()
    hear(around(timezone.now(), 5000), kinds=200)
    assert len(captured(ask)) <= len(few)


def test_the_plans_follow_the_indexes() -> None:
    daemon()
    chance = random.Random(10)  # noqa: S311
    now = timezone.now()
    hear([now - DAY * chance.uniform(0, 300) for _ in range(20_000)])
    analyze()
    client = log_in()
    client.cookies["timezone"] = "Asia/Kathmandu"
    tables = r"(birds_bird|rollups_\w+)"
    for sql in captured(lambda: read(client)):
        if not re.search(tables, sql):
            continue
        plan = plan_of(sql)
        if sql.endswith('ORDER BY "birds_bird"."id" DESC LIMIT 50'):
            # The feed: by the key, from its end, which SQLite calls a scan.
            assert not re.search(r"Sort|Seq Scan on birds_bird|TEMP B-TREE", plan), plan
        else:
            assert not re.search(rf"Seq Scan on {tables}|SCAN {tables}(?! USING)", plan), plan
