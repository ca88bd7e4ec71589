"""The admin's list of birds: right, and quick because its queries follow the indexes."""

import datetime
import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.nodes.models import Node
from birdwatcher.staff import changelist, filters
from tests.support.plans import analyze, plan_of

LIST = "/admin/birds/bird/"
NOON = datetime.datetime(2025, 6, 1, 12, 0, 0, 123456, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)


@pytest.fixture
def client(database: object) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def make_birds(count: int, start: datetime.datetime = NOON, *, doubtful: bool = False) -> None:
    """Make birds a second apart, called Al0, Bo1, Al2, …, over two species and three nodes."""
    nodes = [Node.objects.create(name=f"N{n}", ip_address="::1", port=n) for n in (1, 2, 3)]
    species = [Species.objects.create(name=name) for name in ("Wren", "Robin")]
    Bird.objects.bulk_create(
        Bird(
            timestamp=start + n * SECOND,
            doubtful=doubtful,
            name=f"{'Bo' if n % 2 else 'Al'}{n}",
            species=species[n % 2],
            node=nodes[n % 3],
        )
        for n in range(count)
    )


def names(client: Client, query: str = "") -> list[str]:
    """Return the names of the birds on the page, from top to bottom."""
    response = client.get(LIST + query)
    assert response.status_code == 200, response.headers
    return re.findall(r'class="field-name">([^<]*)', response.content.decode())


def test_newest_first_filters_and_search(client: Client) -> None:
    make_birds(6)
    wren, node = Species.objects.get(name="Wren"), Node.objects.get(port=1)
    assert names(client) == ["Bo5", "Al4", "Bo3", "Al2", "Bo1", "Al0"]
    assert names(client, f"?species__id__exact={wren.pk}") == ["Al4", "Al2", "Al0"]
    assert names(client, f"?node__id__exact={node.pk}") == ["Bo3", "Al0"]
    assert names(client, "?q=bO") == ["Bo5", "Bo3", "Bo1"]
    assert names(client, "?q=o") == []
    # A sign of LIKE's own is only a character here.
    assert names(client, "?q=%25") == []
    assert names(client, "?from=2025-06-01T12:00:02&to=2025-06-01T12:00:04%2B00:00") == [
        "Bo3",
        "Al2",
    ]
    assert names(client, "?past=hour") == []
    # No other order, however the address asks for it: it would sort the whole table.
    assert names(client, "?o=2") == names(client)


def test_a_menu_has_a_bound_and_the_chosen_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that sends a new species with each packet must not make the page as long."""
    make_birds(1)
    Species.objects.bulk_create(Species(name=f"S{n}") for n in range(5))
    monkeypatch.setattr(filters, "CHOICES", 2)
    wren = Species.objects.get(name="Wren")
    for query, chosen in (("", []), (f"?species__id__exact={wren.pk}", ["Wren"])):
        page = client.get(LIST + query).content.decode()
        menu = re.search(r'aria-label="Species">(.*?)</details>', page, re.DOTALL)
        assert menu
        options = re.findall(r"<option[^>]*>([^<]*)", menu[1])
        assert options == ["All", *chosen, "Robin", "S0"]
        assert re.findall(r"<option[^>]* selected>([^<]*)", menu[1]) == (chosen or ["All"])
        assert "list of species" in menu[1]


def test_a_name_of_several_words_is_found_by_its_beginning(client: Client) -> None:
    make_birds(2)
    Bird.objects.filter(name="Al0").update(name="Old Blue Eye")
    assert names(client, "?q=old+blue+e") == ["Old Blue Eye"]
    assert names(client, "?q=blue") == []


@pytest.mark.parametrize("query", ["from=x", "to=2025-13-01", "past=year", "node__id__exact=x"])
def test_nonsense_in_the_address_leads_back_to_the_list(client: Client, query: str) -> None:
    assert client.get(f"{LIST}?{query}").status_code == 302


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Europe/London"])
def test_birds_of_the_first_and_of_the_last_year(client: Client, zone: str) -> None:
    make_birds(2)
    first, last = Bird.objects.order_by("name")
    for bird, timestamp in ((first, EARLIEST), (last, LATEST)):
        Bird.objects.filter(pk=bird.pk).update(timestamp=timestamp)
    client.cookies["timezone"] = zone
    with timezone.override(zone):
        assert names(client) == ["Bo1", "Al0"]
        assert names(client, "?from=9999-12-31T23:59:59") == []
        assert names(client, "?to=0001-01-01T00:00:00") == []
        for bird in (first, last):
            url = f"{LIST}{bird.pk}/change/"
            form = client.get(url).context["adminform"].form
            shown = form["timestamp"].field.widget.decompress(form["timestamp"].value())
            fields = {"timestamp_0": shown[0], "timestamp_1": shown[1], "name": "Cy"}
            fields |= {"species": bird.species_id, "node": bird.node_id}
            assert client.post(url, fields).status_code == 302
    timestamps = Bird.objects.order_by("timestamp").values_list("timestamp", flat=True)
    assert list(timestamps) == [EARLIEST, LATEST]


def test_correcting_a_name_keeps_the_exact_time(client: Client) -> None:
    make_birds(1)
    bird = Bird.objects.get()
    fields = {"timestamp_0": "2025-06-01", "timestamp_1": "12:00:00", "name": "Cy"}
    fields |= {"species": bird.species_id, "node": bird.node_id}
    url = f"{LIST}{bird.pk}/change/"
    assert client.post(url, fields).status_code == 302
    bird.refresh_from_db()
    assert (bird.name, bird.timestamp) == ("Cy", NOON)
    assert client.post(url, fields | {"timestamp_1": "12:00:01"}).status_code == 302
    bird.refresh_from_db()
    assert bird.timestamp == NOON.replace(second=1, microsecond=0)
    beyond = client.post(url, fields | {"timestamp_0": "9999-12-31"}).content.decode()
    assert "The latest time that can be kept is 9999-12-30 UTC." in beyond


def test_the_number_of_birds_is_counted_up_to_a_limit(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changelist, "ENOUGH", 250)
    make_birds(251)
    page = client.get(LIST).content.decode()
    assert "more than 250 birds; narrow the list" in page
    assert "found" not in page
    assert "?p=3" in page
    assert "?p=4" not in page
    assert len(names(client, "?p=3")) == 50
    assert client.get(LIST + "?p=4").status_code == 302
    page = client.get(LIST + "?q=al").content.decode()
    assert "126 found" in page
    assert "more than" not in page
    # Everything on all pages cannot be chosen for an action: it is not known how many that are.
    assert "objects across all pages" not in page


def test_birds_with_a_doubtful_time_stand_apart(client: Client) -> None:
    make_birds(6)
    Bird.objects.filter(name__in=["Bo1", "Al4"]).update(doubtful=True)
    node = Node.objects.get(port=2)
    assert names(client) == ["Bo5", "Bo3", "Al2", "Al0"]
    assert names(client, "?clock=plausible") == names(client, "?clock=nonsense") == names(client)
    assert names(client, "?clock=doubtful") == ["Al4", "Bo1"]
    assert names(client, f"?clock=doubtful&node__id__exact={node.pk}") == ["Al4", "Bo1"]
    assert names(client, f"?node__id__exact={node.pk}") == []
    assert names(client, "?clock=doubtful&q=bo") == ["Bo1"]
    page = client.get(LIST + "?clock=doubtful").content.decode()
    assert re.findall(r'class="field-clock">([^<]*)', page) == ["doubtful"] * 2
    page = client.get(LIST).content.decode()
    assert "doubtful" not in re.findall(r'class="field-clock">([^<]*)', page)
    assert re.findall(r"<li[^>]*>\s*<a href=\"([^\"]*)\"[^>]*>(plausible|doubtful|All)<", page) == [
        ("?", "plausible"),
        ("?clock=doubtful", "doubtful"),
    ]


def test_a_bird_of_the_far_future_does_not_become_the_newest(client: Client) -> None:
    make_birds(3)
    Bird.objects.filter(name="Al2").update(timestamp=LATEST, doubtful=True)
    assert names(client)[0] == "Bo1"
    page = client.get("/admin/birds/species/").content.decode()
    assert re.findall(r"field-newest[^>]*>([^<]*)", page) == [
        "2025-06-01 12:00:01",
        "2025-06-01 12:00:00",
    ]


QUERIES = ["", "?p=2", "?node__id__exact={node}", "?species__id__exact={species}", "?q=al1"]


def test_queries_are_few_and_none_counts_the_table(client: Client) -> None:
    make_birds(300)
    ids = {"node": Node.objects.first().pk, "species": Species.objects.first().pk}
    for query in (*QUERIES, "?_facets=True", "?o=-2"):
        with CaptureQueriesContext(connection) as queries:
            names(client, query.format(**ids))
        counts = [q["sql"] for q in queries if "COUNT(" in q["sql"]]
        assert len(queries) == 6  # session, user, species, nodes, count, birds
        assert len(counts) == 1
        assert f"LIMIT {changelist.ENOUGH + 1}" in counts[0]


PLANS = {
    "": "birds_bird_newest",
    "past=week": "birds_bird_newest",
    "node__id__exact={node}": "birds_bird_node_newest",
    "species__id__exact={species}": "birds_bird_species_newest",
    "q=al12345": "birds_bird_name_prefix",
}


@pytest.mark.parametrize("clock", ["plausible", "doubtful"])
def test_the_plans_follow_the_indexes(client: Client, clock: str) -> None:
    make_birds(20_000, timezone.now() - 20_000 * SECOND, doubtful=clock == "doubtful")
    analyze()
    ids = {"node": Node.objects.first().pk, "species": Species.objects.first().pk}
    for query, index in PLANS.items():
        with CaptureQueriesContext(connection) as queries:
            names(client, f"?clock={clock}&{query.format(**ids)}")
        listing = queries[-1]["sql"]
        assert listing.startswith('SELECT "birds_bird"."id"')
        plan = plan_of(listing)
        assert index in plan
        assert not re.search(r"Seq Scan on birds_bird|SCAN birds_bird(?! USING)", plan)
        if "q=" not in query:
            assert not re.search(r"Sort|TEMP B-TREE", plan)


def test_species_with_their_newest_bird(client: Client) -> None:
    make_birds(3)
    Species.objects.create(name="Dodo")
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/admin/birds/species/").content.decode()
    assert len(queries) == 5
    assert re.findall(r"field-newest[^>]*>([^<]*)", page) == [
        "-",
        "2025-06-01 12:00:01",
        "2025-06-01 12:00:02",
    ]


def test_the_list_of_species_has_an_end(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelist, "ENOUGH", 250)
    Species.objects.bulk_create(Species(name=f"S{n:03}") for n in range(251))
    page = client.get("/admin/birds/species/").content.decode()
    assert "more than 250 species; narrow the list" in page
    assert client.get("/admin/birds/species/?p=4").status_code == 302


def test_autocomplete_finds_species_and_nodes(client: Client) -> None:
    make_birds(1)
    for field, term, text in (("species", "ro", "Robin"), ("node", "N2", "N2 [::1]:2")):
        query = {"app_label": "birds", "model_name": "bird", "field_name": field, "term": term}
        found = client.get("/admin/autocomplete/", query).json()["results"]
        assert [result["text"] for result in found] == [text]
