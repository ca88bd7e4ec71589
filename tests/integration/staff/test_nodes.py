"""The admin's pages about nodes: the live state, the actions, and what a delete says."""

import datetime
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.daemon.models import Daemon
from birdwatcher.daemon.node_states import DISABLED, UNKNOWN, WAITING, WORDS
from birdwatcher.nodes.models import Node, NodeStatus
from birdwatcher.staff import delete_selected
from nodeproc.states import NodeState
from tests.support.flock import insert

LIST = "/admin/nodes/node/"


@pytest.fixture
def client(database: object) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def make_nodes() -> dict[str, Node]:
    """Make a node in every state of a process, one without a status, one disabled; by word."""
    words = [*NodeState, WAITING, DISABLED]
    nodes = {
        word: Node.objects.create(
            name=f"node {n}", ip_address=f"10.0.0.{n}", port=9999, enabled=word != DISABLED
        )
        for n, word in enumerate(words, 1)
    }
    for state in NodeState:
        NodeStatus.objects.create(
            node=nodes[state], state=state, since=timezone.now(), events=1234567
        )
    return nodes


def run_daemon(seen: datetime.timedelta = datetime.timedelta(0)) -> Daemon:
    """Say that the daemon was last seen so long ago."""
    at = timezone.now() - seen
    return Daemon.objects.create(pk=Daemon.ONLY, host="h", pid=1, started_at=at, seen_at=at)


def listed(client: Client, query: str = "") -> dict[str, str]:
    """Return each listed node's name with the word of its state."""
    html = client.get(LIST + query).content.decode()
    names = re.findall(r'class="field-name"><a[^>]*>([^<]*)', html)
    states = re.findall(r'<span class="state state-\w+">([^<]*)', html)
    return dict(zip(names, states, strict=True))


def test_the_list_shows_the_live_state(client: Client) -> None:
    nodes = make_nodes()
    run_daemon()
    assert listed(client) == {node.name: word for word, node in nodes.items()}
    assert "1,234,567" in client.get(LIST).content.decode()


@pytest.mark.parametrize("how", ["never ran", "vanished", "stopped"])
def test_without_a_daemon_nothing_is_known_of_a_node(client: Client, how: str) -> None:
    nodes = make_nodes()
    if how == "vanished":
        run_daemon(datetime.timedelta(seconds=21))
    if how == "stopped":
        run_daemon()
        Daemon.objects.update(stopped_at=timezone.now())
    expected = {node.name: UNKNOWN for word, node in nodes.items() if word != DISABLED}
    assert listed(client) == {nodes[DISABLED].name: DISABLED} | expected
    reason = "the daemon has never run" if how == "never ran" else "daemon not running since"
    assert reason in client.get(LIST).content.decode()
    assert listed(client, f"?state={UNKNOWN}") == expected
    assert listed(client, "?state=connected") == {}


def test_the_filter_speaks_the_words_of_the_list(client: Client) -> None:
    nodes = make_nodes()
    run_daemon()
    for word in WORDS:
        expected = {nodes[word].name: word} if word in nodes else {}
        assert listed(client, f"?state={word}") == expected
    assert len(listed(client, "?state=nonsense")) == len(nodes)
    assert listed(client, "?enabled__exact=0") == {nodes[DISABLED].name: DISABLED}


@pytest.mark.parametrize("term", ["ODE 3", "10.0.0.3"])
def test_nodes_are_found_by_name_and_address(client: Client, term: str) -> None:
    make_nodes()
    assert list(listed(client, f"?q={term}")) == ["node 3"]


def test_the_list_takes_as_many_queries_for_many_nodes_as_for_few(client: Client) -> None:
    run_daemon()
    counts = []
    for batch in (range(2, 5), range(5, 80)):
        for n in batch:
            node = Node.objects.create(name=f"n{n}", ip_address="10.0.0.1", port=n)
            NodeStatus.objects.create(node=node, state=NodeState.CONNECTED, since=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
        assert sum('FROM "writer_daemon"' in query["sql"] for query in queries) == 1
    assert counts[0] == counts[1]


def test_a_node_is_added_changed_and_refused_with_a_reason(client: Client) -> None:
    form = {"name": "Dartmoor", "ip_address": "2001:db8::7", "port": "9999", "enabled": "on"}
    assert client.post(LIST + "add/", form).status_code == 302
    node = Node.objects.get()
    assert "unknown" in client.get(f"{LIST}{node.pk}/change/").content.decode()
    assert client.post(f"{LIST}{node.pk}/change/", form | {"port": "9998"}).status_code == 302
    node.refresh_from_db()
    assert (node.port, node.enabled, node.max_events_per_second) == (9998, True, None)
    for limit, kept in [("5", 5), ("", None), ("0", None), ("1000001", None)]:
        change = form | {"port": "9998", "max_events_per_second": limit}
        refused = client.post(f"{LIST}{node.pk}/change/", change).status_code == 200
        node.refresh_from_db()
        assert (node.max_events_per_second, refused) == (kept, limit not in {"5", ""})
    same = client.post(LIST + "add/", form | {"port": "9998"}).content.decode()
    assert "There is a node with this IP address and port already." in same
    none = client.post(LIST + "add/", form | {"ip_address": "::"}).content.decode()
    assert "means “any address”" in none


def test_the_actions_enable_and_disable(client: Client) -> None:
    nodes = make_nodes()
    chosen = [node.pk for node in nodes.values()]
    enabled_now = len(chosen) - 1
    for action, enabled, said in (
        ("disable", False, f"Disabled {enabled_now}"),
        ("enable", True, f"Enabled {len(chosen)}"),
    ):
        page = client.post(LIST, {"action": action, "_selected_action": chosen}, follow=True)
        assert f"{said} nodes." in page.content.decode()
        assert set(Node.objects.values_list("enabled", flat=True)) == {enabled}
    history = client.get(f"{LIST}{nodes[DISABLED].pk}/history/").content.decode()
    assert "Enabled." in history
    assert "Disabled." not in history


def test_the_action_restarts_the_processes_of_enabled_nodes(client: Client) -> None:
    nodes = make_nodes()
    chosen = [nodes[NodeState.CRASHED].pk, nodes[DISABLED].pk]
    form = {"action": "restart", "_selected_action": chosen}
    assert "Restarted 1 node." in client.post(LIST, form, follow=True).content.decode()
    assert [row.pk for row in Node.objects.filter(restarts=1)] == [nodes[NodeState.CRASHED].pk]
    history = client.get(f"{LIST}{nodes[NodeState.CRASHED].pk}/history/").content.decode()
    assert "Restarted its process." in history


@pytest.mark.parametrize(("permission", "may"), [("operate_node", True), ("view_node", False)])
def test_who_may_operate_nodes_finds_the_actions(
    client: Client, permission: str, may: bool
) -> None:
    node, *_ = make_nodes().values()
    ranger = User.objects.create_user("ranger", is_staff=True)
    ranger.user_permissions.set(Permission.objects.filter(codename__in={"view_node", permission}))
    client.force_login(ranger)
    assert ("Disable selected" in client.get(LIST).content.decode()) == may
    client.post(LIST, {"action": "disable", "_selected_action": [node.pk]})
    node.refresh_from_db()
    assert node.enabled != may


def make_birds(node: Node, count: int) -> Species:
    species, _ = Species.objects.get_or_create(name="Wren")
    insert(
        Bird(timestamp=timezone.now(), name="Al", species=species, node=node) for _ in range(count)
    )
    return species


def asked_without_reading_birds(ask: Callable[[], HttpResponse]) -> str:
    """Ask and return the page; no query may have listed birds, or counted them one by one."""
    with CaptureQueriesContext(connection) as queries:
        response = ask()
    read = re.compile(r'SELECT ("birds_bird"|.*COUNT\(.* FROM "birds_bird")')
    assert not [query["sql"] for query in queries if read.match(query["sql"])]
    return response.content.decode()


def test_a_delete_says_how_many_birds_go_and_loads_none(client: Client) -> None:
    nodes = make_nodes()
    first, second, *_ = nodes.values()
    make_birds(first, 1234)
    make_birds(second, 1)
    url = f"{LIST}{first.pk}/delete/"
    page = asked_without_reading_birds(lambda: client.get(url))
    assert "Birds: 1,234" in page
    assert "with 1,234 birds" in page
    assert "disable the node instead" in page
    asked_without_reading_birds(lambda: client.post(url, {"post": "yes"}))
    assert not Node.objects.filter(pk=first.pk).exists()
    assert Bird.objects.count() == 1


def test_the_action_that_deletes_says_so_too(client: Client) -> None:
    first, second, *rest = make_nodes().values()
    make_birds(first, 1234)
    make_birds(second, 1)
    form: dict[str, object] = {
        "action": "delete_selected",
        "_selected_action": [first.pk, second.pk],
    }
    page = asked_without_reading_birds(lambda: client.post(LIST, form))
    for text in ("Nodes: 2", "Birds: 1,235", "with 1,234 birds", "with 1 bird<", "for good"):
        assert text in page
    confirmed = form | {"post": "yes"}
    page = asked_without_reading_birds(lambda: client.post(LIST, confirmed, follow=True))
    assert "Successfully deleted 2 nodes." in page
    assert list(Node.objects.order_by("pk")) == rest
    assert not Bird.objects.exists()


def test_a_thousand_and_more_are_deleted_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a field of the form, of which Django accepts a thousand by default."""
    Node.objects.bulk_create(
        Node(name=str(n), ip_address="10.0.0.1", port=1 + n) for n in range(1100)
    )
    form: dict[str, object] = {
        "action": "delete_selected",
        "_selected_action": list(Node.objects.values_list("pk", flat=True)),
    }
    assert "Nodes: 1,100" in client.post(LIST, form).content.decode()
    monkeypatch.setattr(delete_selected, "MOST", 1099)
    across = {"action": "delete_selected", "_selected_action": "1", "select_across": "1"}
    page = client.post(LIST, across, follow=True).content.decode()
    assert "At most 1,099 nodes can be deleted at a time" in page
    monkeypatch.undo()
    page = client.post(LIST, form | {"post": "yes"}, follow=True).content.decode()
    assert "Successfully deleted 1100 nodes." in page
    assert not Node.objects.exists()


def test_deleting_a_species_counts_its_birds(client: Client) -> None:
    node, *_ = make_nodes().values()
    species = make_birds(node, 12)
    url = f"/admin/birds/species/{species.pk}/delete/"
    assert "with 12 birds" in asked_without_reading_birds(lambda: client.get(url))
    asked_without_reading_birds(lambda: client.post(url, {"post": "yes"}))
    assert not Species.objects.exists()
    assert not Bird.objects.exists()


def test_who_may_not_delete_birds_may_not_delete_their_node(client: Client) -> None:
    node, empty, *_ = make_nodes().values()
    make_birds(node, 1)
    ranger = User.objects.create_user("ranger", is_staff=True)
    ranger.user_permissions.set(Permission.objects.filter(content_type__model="node"))
    client.force_login(ranger)
    page = client.get(f"{LIST}{node.pk}/delete/").content.decode()
    assert "your account doesn't have permission" in page.replace("&#x27;", "'")
    assert client.post(f"{LIST}{node.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{LIST}{empty.pk}/delete/", {"post": "yes"}).status_code == 302
