"""The pages of species: totals, first and last heard, sorted and searched; one of them."""

import datetime
import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.pages.species import table
from tests.support.flock import insert, make_nodes, make_species
from tests.support.network import browser_of
from tests.support.plans import plans

pytestmark = pytest.mark.usefixtures("database")

LIST = "/species/"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def client() -> Client:
    """A browser in which a viewer is logged in."""
    return browser_of("viewer")


def open_page(client: Client, address: str) -> str:
    """Return a page."""
    response = client.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def rows(page: str) -> list[tuple[str, str, str]]:
    """Return name, birds and nodes of each species, from top to bottom."""
    return re.findall(
        r'<th scope="row"><a href="/species/\d+/">([^<]*)</a></th>\s*'
        r'<td class="number"><a[^>]*>([^<]*)</a></td>\s*<td class="number">([^<]*)</td>',
        page,
    )


def three_species() -> dict[str, Species]:
    """Make birds of three species, and a fourth one without any."""
    nodes, species = make_nodes(2), make_species("Wren", "Robin", "Dodo", "Auk")
    now = timezone.now()

    def birds(kind: Species, node: int, *days: int, doubtful: bool = False) -> None:
        insert(
            Bird(
                timestamp=now - day * DAY,
                name="x",
                species=kind,
                node=nodes[node],
                doubtful=doubtful,
            )
            for day in days
        )

    birds(species[0], 0, 0, 1, 2, 3)
    birds(species[0], 1, 200)
    birds(species[1], 0, 5, 6)
    birds(species[1], 0, 9000, doubtful=True)
    birds(species[2], 1, 9000, doubtful=True)
    return {it.name: it for it in species}


def test_no_species_yet(client: Client) -> None:
    assert "No species yet" in open_page(client, LIST)


def test_the_list_in_every_order(client: Client) -> None:
    three_species()
    page = open_page(client, LIST)
    assert rows(page) == [
        ("Wren", "5", "2"),
        ("Robin", "3", "1"),
        ("Dodo", "1", "1"),
        ("Auk", "0", "0"),
    ]
    assert re.findall(r'aria-sort="(\w+)"><a[^>]*>(\w+)', page) == [("descending", "Birds")]
    for order, names in {
        "name": ["Auk", "Dodo", "Robin", "Wren"],
        "-name": ["Wren", "Robin", "Dodo", "Auk"],
        "total": ["Auk", "Dodo", "Robin", "Wren"],
        "-nodes": ["Wren", "Dodo", "Robin", "Auk"],
        # Those that were never heard by a clock to be trusted come last.
        "first": ["Wren", "Robin", "Auk", "Dodo"],
        "-first": ["Robin", "Wren", "Auk", "Dodo"],
        "last": ["Robin", "Wren", "Auk", "Dodo"],
        "-last": ["Wren", "Robin", "Auk", "Dodo"],
    }.items():
        assert [row[0] for row in rows(open_page(client, f"{LIST}?order={order}"))] == names, order


def test_search_and_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    three_species()
    assert [row[0] for row in rows(open_page(client, f"{LIST}?q=R&order=name"))] == [
        "Robin",
        "Wren",
    ]
    assert "No species has “zz” in its name" in open_page(client, f"{LIST}?q=zz")
    monkeypatch.setattr(table, "SIZE", 3)
    page = open_page(client, f"{LIST}?order=name")
    assert [row[0] for row in rows(page)] == ["Auk", "Dodo", "Robin"]
    assert 'rel="next" href="?order=name&page=2"' in page
    page = open_page(client, f"{LIST}?order=name&page=2")
    assert [row[0] for row in rows(page)] == ["Wren"]
    assert 'rel="prev" href="?order=name"' in page
    assert 'rel="next"' not in page
    assert "No species on this page" in open_page(client, f"{LIST}?page=3")


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("order=size", "cannot be sorted by “size”"),
        ("page=0", "no page “0”"),
        ("page=-1", "no page “-1”"),
        ("page=99999", "no page “99999”"),
        ("page=²", "no page “²”"),
        ("q=%00", "No species has such a name"),
    ],
)
def test_nonsense_in_the_address_is_told(client: Client, query: str, word: str) -> None:
    three_species()
    page = open_page(client, f"{LIST}?{query}")
    assert word in page
    assert len(rows(page)) == 4


def test_too_many_species_are_ranked_but_not_sorted_by_their_birds(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_species()
    monkeypatch.setattr(table, "SORTED", 3)
    for order in table.COLUMNS:
        page = open_page(client, f"{LIST}?order={order}")
        told = "more than 3 species" in page
        assert told == (order != "name")
        expected = (
            ["Auk", "Dodo", "Robin", "Wren"] if order == "name" else ["Wren", "Robin", "Dodo"]
        )
        assert [row[0] for row in rows(page)] == expected
    page = open_page(client, f"{LIST}?q=r&order=-last")  # few species have that name
    assert [row[0] for row in rows(page)] == ["Wren", "Robin"]
    monkeypatch.setattr(table, "SORTED", 1)
    monkeypatch.setattr(table, "SIZE", 1)
    assert [row[0] for row in rows(open_page(client, f"{LIST}?q=r&page=2"))] == ["Robin"]


def test_one_species(client: Client) -> None:
    wren = three_species()["Wren"]
    page = open_page(client, f"{LIST}{wren.pk}/")
    assert re.findall(r'tile-number">([^<]*)<', page)[:3] == ["5", "1", "2"]
    assert f"/birds/?species={wren.pk}&node=" in page
    assert page.count('<td class="when">') == 5
    assert page.count("data-chart=") == 2
    assert "dated before or after these months" not in page
    assert client.get(f"{LIST}{wren.pk + 99}/").status_code == 404
    assert client.get(f"{LIST}{2**70}/").status_code == 404


def test_the_chart_of_months_has_all_of_them_but_no_wrong_century(client: Client) -> None:
    robin = three_species()["Robin"]
    page = open_page(client, f"{LIST}{robin.pk}/")
    assert "1 more, dated before or after these months" in page
    today = timezone.localdate()
    assert f"{today:%b %Y}" in page
    months = re.search(r'"labels": \[([^]]*)\]', page)
    assert months
    assert len(months[1].split(",")) in {1, 2}


def test_a_species_without_birds_and_one_with_doubtful_ones_alone(client: Client) -> None:
    species = three_species()
    assert "No birds of this species" in open_page(client, f"{LIST}{species['Auk'].pk}/")
    page = open_page(client, f"{LIST}{species['Dodo'].pk}/")
    assert "All its birds have a doubtful clock" in page


def test_the_hours_of_the_day_are_those_of_whoever_looks(client: Client) -> None:
    (node,), (species,) = make_nodes(1), make_species("Wren")
    at = datetime.datetime(2025, 6, 1, 6, 30, tzinfo=datetime.UTC)
    insert([Bird(timestamp=at, name="x", species=species, node=node)])
    for zone, hour in (("UTC", 6), ("Europe/Berlin", 8), ("America/New_York", 2)):
        client.cookies["timezone"] = zone
        page = open_page(client, f"{LIST}{species.pk}/")
        table = page[page.index("Birds by hour of the day as a table") :]
        heard = re.findall(r'row">(\d\d):00</th><td class="number">([1-9])', table)
        assert heard == [(f"{hour:02}", "1")]


def test_queries_are_few_and_read_no_birds_whole(client: Client) -> None:
    nodes, species = make_nodes(5), make_species(*(f"S{n:03}" for n in range(150)))
    start = timezone.now() - DAY
    insert(
        Bird(
            timestamp=start + n // 2000 * 5 * datetime.timedelta(hours=1),
            name="x",
            species=species[n % 150],
            node=nodes[n % 5],
        )
        for n in range(10_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    addresses = [f"{LIST}?order={order}" for order in table.COLUMNS]
    for address in (*addresses, f"{LIST}?q=S1&page=2", f"{LIST}{species[3].pk}/"):
        with CaptureQueriesContext(connection) as queries:
            open_page(client, address)
        assert len(queries) <= 14
        for plan in plans(queries):
            assert "birds_bird" not in plan.read_whole, plan.text
