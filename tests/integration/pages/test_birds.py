"""The page of birds: its filters, its pages, its words for what is wrong."""

import datetime
import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node
from birdwatcher.pages.birds import filters
from birdwatcher.search import pages, walk
from birdwatcher.search.keyset import Position
from tests.support.flock import NOON, SECOND, insert, make_flock, make_nodes, make_species
from tests.support.network import browser_of

pytestmark = pytest.mark.usefixtures("database")

LIST = "/birds/"


@pytest.fixture
def client() -> Client:
    """A browser in which a viewer is logged in."""
    return browser_of("viewer")


def open_page(client: Client, query: str = "") -> str:
    """Return a page."""
    response = client.get(LIST + query)
    assert response.status_code == 200, response.headers
    text = re.sub(r"</?time[^>]*>", "", response.content.decode())
    return html.unescape(text)


def names(page: str) -> list[str]:
    """Return the names of the birds on a page, from top to bottom."""
    return re.findall(r'<th scope="row">([^<]*)', page)


def link(page: str, rel: str) -> str:
    """Return where the link to the next or previous page leads; empty without one."""
    found = re.search(rf'rel="{rel}" href="([^"]*)"', page)
    return found[1] if found else ""


def row_of_birds(count: int, first: int = 0) -> None:
    """Make birds a second apart, called B0, B1, … and so on."""
    node = Node.objects.first() or make_nodes(1)[0]
    species = Species.objects.first() or make_species("Wren")[0]
    insert(
        Bird(timestamp=NOON + n * SECOND, name=f"B{n}", species=species, node=node)
        for n in range(first, first + count)
    )


def test_nothing_yet(client: Client) -> None:
    page = open_page(client)
    assert "No birds yet" in page
    assert "data-export" not in page


def test_each_filter_alone_and_all_together(client: Client) -> None:
    make_flock(seed=7, count=80)
    node, species = Node.objects.get(name="N2"), Species.objects.get(name="Robin")
    plausible = Bird.objects.dated(doubtfully=False)
    start = datetime.datetime(2025, 5, 31, tzinfo=datetime.UTC)
    for query, birds in (
        ("", plausible),
        (f"?node={node.pk}", plausible.filter(node=node)),
        (f"?species={species.pk}", plausible.filter(species=species)),
        ("?name=+aL", plausible.filter(name__istartswith="al")),
        ("?clock=doubtful", Bird.objects.dated(doubtfully=True)),
        ("?from=2025-05-31", plausible.filter(timestamp__gte=start)),
        ("?to=2025-05-31T02:00%2B02:00", plausible.filter(timestamp__lt=start)),
        (
            f"?species={species.pk}&node={node.pk}&name=b&from=2025-05-31",
            plausible.filter(
                species=species, node=node, name__istartswith="b", timestamp__gte=start
            ),
        ),
    ):
        page = open_page(client, query)
        assert names(page) == [it.name for it in birds.order_by("-timestamp", "-pk")[:50]]
        number = birds.count()
        # Birds of all nodes and species are not added up over years for each page of them.
        if query not in {"?from=2025-05-31", "?to=2025-05-31T02:00%2B02:00"}:
            assert f"{number} bird{'' if number == 1 else 's'}<" in page


def test_older_and_newer_while_birds_come_in(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SIZE", 5)
    row_of_birds(12)
    first = open_page(client)
    assert names(first) == ["B11", "B10", "B9", "B8", "B7"]
    assert link(first, "prev") == ""
    row_of_birds(8, first=12)
    second = open_page(client, link(first, "next"))
    assert names(second) == ["B6", "B5", "B4", "B3", "B2"]
    third = open_page(client, link(second, "next"))
    assert names(third) == ["B1", "B0"]
    assert link(third, "next") == ""
    assert names(open_page(client, link(third, "prev"))) == names(second)
    assert names(open_page(client, link(second, "prev"))) == names(first)
    assert names(open_page(client)) == ["B19", "B18", "B17", "B16", "B15"]


def test_filters_stay_from_page_to_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SIZE", 5)
    row_of_birds(12)
    species = Species.objects.get()
    query = f"?species={species.pk}&name=b&from=2025-06-01T12:00:02"
    page = open_page(client, query)
    following = link(page, "next")
    assert f"species={species.pk}&name=b&from=2025-06-01T12%3A00%3A02&before=" in following
    assert names(open_page(client, following)) == ["B6", "B5", "B4", "B3", "B2"]
    assert f"/birds/export/{query.replace(':', '%3A')}&format=csv" in page
    assert 'value="2025-06-01T12:00:02"' in page


def test_a_search_that_has_to_stop_says_so_and_goes_on(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "WINDOW", 30)
    monkeypatch.setattr(walk, "RARE", 10)
    row_of_birds(100)
    # None of the newest is called so, and too many of the oldest to look at each.
    Bird.objects.filter(timestamp__lt=NOON + 30 * SECOND).update(name="Xa")
    page = open_page(client, "?name=x")
    assert names(page) == []
    assert "Searched back to 2025-06-01 12:00:40 UTC and found none" in page
    page = open_page(client, link(page, "next"))
    assert names(page) == ["Xa"] * 30
    assert link(page, "next") == ""
    assert "Searched" not in page
    page = open_page(client, f"?name=x&after={Position(NOON + 30 * SECOND)}")
    assert "Searched up to 2025-06-01 12:01:29 UTC and found none" in page
    # Up to the newest of all, and so to the first page.
    assert names(open_page(client, link(page, "prev"))) == []


def test_ranges_of_time_in_the_zone_of_whoever_looks(client: Client) -> None:
    (node,), (species,) = make_nodes(1), make_species("Wren")
    client.cookies["timezone"] = "Pacific/Kiritimati"  # 14 hours ahead
    with timezone.override("Pacific/Kiritimati"):
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    times = {"before": midnight - SECOND, "after": midnight, "old": midnight.replace(year=2000)}
    insert(
        Bird(timestamp=at.astimezone(datetime.UTC), name=name, species=species, node=node)
        for name, at in times.items()
    )
    assert names(open_page(client, "?past=today")) == ["after"]
    assert names(open_page(client, "?past=yesterday")) == ["before"]
    assert names(open_page(client, "?past=week")) == ["after", "before"]
    page = open_page(client, f"?to={midnight:%Y-%m-%dT%H:%M:%S}&past=week")
    assert names(page) == ["before", "old"]
    assert "Pacific/Kiritimati" in page


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("species=x", "There is no such species"),
        ("species=99999999999999999999999", "There is no such species"),
        ("node=-1", "There is no such node"),
        ("from=yesterday", "“yesterday” is no time"),
        ("to=2025-13-01", "is no time"),
        ("from=2025-06-02&to=2025-06-01", "ends before it begins"),
        ("past=century", "There is no time range “century”"),
        ("clock=sundial", "plausible or doubtful, not “sundial”"),
        ("before=x", "not a position in the list"),
        ("before=99999999999999999999.1", "not a position in the list"),
        ("after=1.99999999999999999999", "not a position in the list"),
        ("name=%00", "Null characters are not allowed"),
        (f"name={'x' * 300}", "at most 255 characters"),
    ],
)
def test_nonsense_in_the_address_is_told(client: Client, query: str, word: str) -> None:
    row_of_birds(3)
    page = open_page(client, f"?{query}")
    assert word in page
    assert "notice-error" in page
    assert names(page) == []


@pytest.mark.parametrize(
    "query",
    ["before=1.1", "after=-1.1", "before=-99999999999999999.0", "after=999999999999999999.9",
     "from=0001-01-01", "to=9999-12-31T23:59:59-12:00", "name=%25", "name=%F0%28", "unknown=1"],
)  # fmt: skip
def test_what_is_odd_but_not_wrong(client: Client, query: str) -> None:
    row_of_birds(3)
    page = open_page(client, f"?{query}")
    assert "notice-error" not in page


def test_empty_fields_of_the_form_leave_the_address(client: Client) -> None:
    response = client.get(LIST + "?species=&node=&name=a&from=&to=&clock=")
    assert response["Location"] == "/birds/?name=a"
    assert client.get(LIST + "?name=")["Location"] == "/birds/"


def test_long_menus_are_cut_but_hold_what_is_chosen(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "CHOICES", 2)
    monkeypatch.setattr("birdwatcher.pages.birds.views.CHOICES", 2)
    last = make_species("A", "B", "C", "D")[-1]
    page = open_page(client, f"?species={last.pk}")
    assert re.findall(r'<option value="\d+"[^>]*>(\w)<', page) == ["D", "A", "B"]
    assert "first thousand species" in page


def test_queries_are_few(client: Client) -> None:
    make_flock(seed=8, count=100)
    ids = {"node": Node.objects.all()[0].pk, "species": Species.objects.all()[0].pk}
    for query, most in (
        ("", 12),
        ("?node={node}", 12),
        ("?node={node}&species={species}", 20),
        ("?name=al", 12),
        ("?name=al&node={node}&species={species}", 20),
        ("?past=week", 14),
    ):
        with CaptureQueriesContext(connection) as queries:
            open_page(client, query.format(**ids))
        assert len(queries) <= most, [it["sql"] for it in queries]
