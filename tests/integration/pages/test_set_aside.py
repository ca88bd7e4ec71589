"""What is set aside of a node: seen by those who may, decided by those who may, carried out."""

import re

import pytest
from django.test import Client

from birdwatcher.audit.models import Entry
from birdwatcher.birds import set_aside
from birdwatcher.birds.models import NewSpecies, SetAsideEvent
from birdwatcher.nodes.models import Node
from birdwatcher.writer.birds.adoption import Adoption
from birdwatcher.writer.ledger import Ledger
from tests.support.configured import configured
from tests.support.network import browser_of, queries_of, run_daemon
from tests.support.sender import AT, Sender

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def node(database: object) -> Node:
    """A node of which 61 events of 60 species are set aside."""
    sender = Sender()
    Node.objects.update(new_species_a_day=2)
    names = [
        *(f"Species {number:03}" for number in range(62)),
        "Species <061>\u202e",
        "Species 007",
    ]
    sender.send([(round(AT * 1e6), name, "Al") for name in names])
    Ledger().commit(sender.resend())
    return Node.objects.get()


def page_of(client: Client, node: Node, query: str = "") -> str:
    response = client.get(f"/nodes/{node.pk}/set-aside/{query}")
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def act(client: Client, node: Node, **fields: object) -> tuple[int, str]:
    """Send the form; return the status and what the next page says."""
    response = client.post(f"/nodes/{node.pk}/set-aside/act/", fields)
    html = page_of(client, node) if response.status_code == 302 else response.content.decode()
    return response.status_code, re.sub(r"\s+", " ", html)


def test_the_species_are_listed_by_their_number_of_events(node: Node) -> None:
    client = browser_of("viewer")
    html = page_of(client, node)
    assert "<strong>62 events</strong> of this node are set aside since" in html
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td class="number">(\d+)</td>', html)
    assert rows[:2] == [("Species 007", "2"), ("Species 002", "1")]
    assert (len(rows), "1 to 50 of 61 species" in html) == (50, True)
    second = page_of(client, node, "?page=2")
    assert "Species &lt;061&gt;\\u202e</th>" in second
    assert "51 to 61 of 61 species" in second
    for wrong in ("?page=999999999", "?page=-1", "?page=x"):
        page_of(client, node, wrong)
    assert client.get("/nodes/999999/set-aside/").status_code == 404
    address = f"/nodes/{node.pk}/set-aside/"
    assert len(queries_of(client, address)) <= 9


def test_the_node_its_list_the_overview_and_the_system_say_so(node: Node) -> None:
    client = browser_of("viewer")
    link = f'href="/nodes/{node.pk}/set-aside/"'
    before = {
        address: client.get(address).content.decode()
        for address in (f"/nodes/{node.pk}/", "/nodes/")
    }
    for html in before.values():
        assert link in html
    run_daemon()
    for address in ("/", "/system/"):
        html = client.get(address).content.decode().lower()
        assert "events of new species set aside: 62 of a node" in html
    NewSpecies.objects.update(events=0)
    for address in before:
        assert link not in client.get(address).content.decode()


@pytest.mark.parametrize("role", ["", "viewer", "operator", "admin"])
def test_who_may_look_and_who_may_decide(node: Node, role: str) -> None:
    with configured(public=True):
        client = browser_of(role) if role else Client()
        html = page_of(client, node)
        assert "<strong>62 events</strong>" in html
        # The names are a hostile node's words: nothing for the public.
        assert ("Species 007" in html) == bool(role)
        assert ("Adopt all" in html) == (role == "admin")
        for fields in ({"wish": "adopt"}, {"wish": "discard", "up_to": 99}):
            status = client.post(f"/nodes/{node.pk}/set-aside/act/", fields).status_code
            assert status == {"": 302, "admin": 302 if "up_to" in fields else 200}.get(role, 403)
    assert NewSpecies.objects.get().wish == ("discard" if role == "admin" else "")
    assert client.get(f"/nodes/{node.pk}/set-aside/act/").status_code in {403, 405}
    if not role:
        assert client.get(f"/nodes/{node.pk}/set-aside/").status_code == 302


@pytest.mark.parametrize("wish", ["adopt", "discard"])
def test_a_decision_asks_first_waits_for_the_daemon_and_is_carried_out(
    node: Node, wish: str
) -> None:
    client = browser_of("admin")
    status, html = act(client, node, wish=wish)
    assert (status, "62 events of Dartmoor?" in html) == (200, True)
    assert ("61 new species" in html) == (wish == "adopt")
    up_to = re.search(r'name="up_to" value="(\d+)"', html)
    assert up_to
    assert int(up_to[1]) == set_aside.newest_of(node)
    assert NewSpecies.objects.get().wish == ""
    status, html = act(client, node, wish=wish, up_to=up_to[1])
    assert "The daemon is not running; it will do it when it starts" in html
    assert f"The daemon is to {wish} them" in html
    assert "Adopt all" not in html
    assert "Nothing was done" in act(client, node, wish="adopt", up_to=up_to[1])[1]
    assert Entry.objects.about(Node, node.pk).get().detail.startswith(wish.capitalize())
    Adoption().step()
    assert "Nothing is set aside" in page_of(client, node)
    assert not SetAsideEvent.objects.exists()
    html = client.get(f"/nodes/{node.pk}/").content.decode()
    assert f"of {63 if wish == 'adopt' else 2} species" in html
    assert "Nothing was done" in act(client, node, wish="adopt")[1]
    assert "Nothing was done" in act(client, node, wish="nonsense", up_to=1)[1]
