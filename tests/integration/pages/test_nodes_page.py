"""The list of nodes: which of them, in which order, what is told, what may be done."""

import datetime
import html
import re

import pytest
from django.test import Client
from django.utils import timezone

from birdwatcher.audit.models import Entry
from birdwatcher.daemon.models import Daemon, DaemonProcess
from birdwatcher.daemon.node_states import DISABLED, UNKNOWN, WORDS
from birdwatcher.nodes.models import Node, NodeStatus
from nodeproc.states import NodeState
from tests.support.network import (
    browser_of,
    nodes_in_every_state,
    queries_of,
    run_daemon,
    tell,
)
from tests.support.plans import plan_of

pytestmark = pytest.mark.usefixtures("database")

LIST = "/nodes/"
ACT = "/nodes/act/"


@pytest.fixture
def client(database: object) -> Client:
    """An operator's browser."""
    return browser_of("operator")


def listed(client: Client, query: str = "") -> dict[str, str]:
    """Return each listed node's name with the word of its state, in the order of the list."""
    html = client.get(LIST + query).content.decode()
    names = re.findall(r'<a id="node-\d+"[^>]*>([^<]*)', html)
    states = re.findall(r'class="cell-state"><span class="badge badge-\w+">([^<]*)', html)
    return dict(zip(names, states, strict=True))


def html_of(client: Client, query: str = "", **more: object) -> str:
    return client.get(LIST + query, **more).content.decode()


def test_each_node_is_listed_with_its_state(client: Client) -> None:
    nodes = nodes_in_every_state()
    run_daemon()
    assert listed(client) == {node.name: word for word, node in nodes.items()}


@pytest.mark.parametrize("how", ["never ran", "vanished", "stopped"])
def test_without_a_daemon_nothing_is_shown_as_connected(client: Client, how: str) -> None:
    nodes = nodes_in_every_state()
    if how == "vanished":
        run_daemon(datetime.timedelta(seconds=21))
    if how == "stopped":
        run_daemon(stopped_at=timezone.now())
    words = {node.name: UNKNOWN for word, node in nodes.items() if word != DISABLED}
    assert listed(client) == words | {nodes[DISABLED].name: DISABLED}
    said = {"never ran": "has never run", "vanished": "was last seen", "stopped": "was stopped"}
    page = html_of(client)
    assert f"The daemon {said[how]}" in page
    assert f">{1000 + nodes['connected'].pk}<" not in page  # a process that is gone
    assert listed(client, "?state=connected") == {}


def test_the_filters_leave_what_they_say(client: Client) -> None:
    nodes = nodes_in_every_state()
    run_daemon()
    for word in WORDS:
        expected = {nodes[word].name: word} if word in nodes else {}
        assert listed(client, f"?state={word}") == expected
    assert listed(client, "?enabled=no") == {nodes[DISABLED].name: DISABLED}
    assert len(listed(client, "?enabled=yes")) == len(nodes) - 1
    assert listed(client, "?enabled=no&state=connected") == {}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ODE 3", ["node 3"]),
        ("10.0.0.3", ["node 3"]),
        ("9993", ["node 3"]),
        (":9993", ["node 3"]),
        ("10.0.0.3:9993", ["node 3"]),
        ("10.0.0.4:9993", []),
        ("[2001:db8::7]:9999", ["sea"]),
        ("2001:db8", ["sea"]),
        ("%", []),
        ("_", []),
        ("'; --", []),
    ],
)
def test_text_finds_names_addresses_and_ports(client: Client, text: str, names: list[str]) -> None:
    nodes_in_every_state()
    Node.objects.create(name="sea", ip_address="2001:db8::7", port=9999)
    assert list(listed(client, f"?q={text}")) == names


def test_every_column_orders_the_list(client: Client) -> None:
    run_daemon()
    now = timezone.now()
    for n, name in enumerate(["b", "c", "a"], 1):
        node = Node.objects.create(name=name, ip_address=f"10.0.0.{12 - 2 * n}", port=n)
        at = now - datetime.timedelta(minutes=n)
        tell(
            node,
            [NodeState.CONNECTED, NodeState.BACKING_OFF, NodeState.CRASHED][n - 1],
            since=at,
            last_event_at=at,
            reconnects=n,
            next_try=now + datetime.timedelta(minutes=n),
            recent=[n],
            recent_minute=now,
        )
        DaemonProcess.objects.create(
            role="node", node=node, pid=1000 + node.pk, started_at=at, seen_at=now,
            resident_bytes=n * 1_000_000, cpu_percent=n / 10,
        )  # fmt: skip
    upwards = "reconnects", "pid", "memory", "cpu", "next", "rate"
    downwards = "since", "heard", "address", "state"
    assert list(listed(client)) == list(listed(client, "?sort=name")) == ["a", "b", "c"]
    for column in upwards:
        assert list(listed(client, f"?sort={column}")) == ["b", "c", "a"], column
        assert list(listed(client, f"?sort=-{column}")) == ["a", "c", "b"], column
    for column in downwards:
        assert list(listed(client, f"?sort={column}")) == ["a", "c", "b"], column
        assert list(listed(client, f"?sort=-{column}")) == ["b", "c", "a"], column
    assert 'aria-sort="descending"' in html_of(client, "?sort=-cpu")


def test_nodes_without_a_value_come_last_either_way(client: Client) -> None:
    run_daemon()
    tell(Node.objects.create(name="a", ip_address="10.0.0.1", port=1), NodeState.STARTING)
    heard = Node.objects.create(name="b", ip_address="10.0.0.1", port=2)
    tell(heard, NodeState.CONNECTED, last_event_at=timezone.now())
    for query in ("?sort=heard", "?sort=-heard"):
        assert list(listed(client, query)) == ["b", "a"]


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("?state=nonsense", "The state “nonsense”"),
        ("?enabled=maybe", "The enabled “maybe”"),
        ("?sort=--name", "The order “--name”"),
        ("?page=0", "The page “0”"),
        ("?page=x", "The page “x”"),
        ("?page=99999999999999999999999", "The page “"),
        ("?page=7", "There is no page 7"),
        ("?q=%00", "The text “"),
        ("?q=" + "x" * 300, "The text “x"),
    ],
)
def test_nonsense_in_the_address_is_told(client: Client, query: str, complaint: str) -> None:
    nodes = nodes_in_every_state()
    run_daemon()
    response = client.get(LIST + query)
    assert response.status_code == 200
    assert complaint in response.content.decode()
    assert len(listed(client, query)) == len(nodes)


def test_fifty_nodes_make_a_page(client: Client) -> None:
    run_daemon()
    Node.objects.bulk_create(
        Node(name=f"n{n:03}", ip_address="10.0.0.1", port=n) for n in range(1, 126)
    )
    pages = [list(listed(client, f"?page={page}")) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 50, 25]
    assert [*pages[0], *pages[1], *pages[2]] == [f"n{n:03}" for n in range(1, 126)]
    assert "51 to 100 of 125 nodes" in html_of(client, "?page=2")
    assert "all 125" in html_of(client)


def test_a_list_without_nodes_says_so(client: Client) -> None:
    assert "No nodes yet" in html_of(client)
    nodes_in_every_state()
    assert "No nodes match the filters" in html_of(client, "?q=nowhere")


def test_memory_is_that_of_the_process_of_now(client: Client) -> None:
    run_daemon()
    node = Node.objects.create(name="a", ip_address="10.0.0.1", port=1)
    tell(node, NodeState.CONNECTED, pid=77)
    now = timezone.now()
    for pid, size in ((76, 5_242_880), (77, 9_437_184)):
        DaemonProcess.objects.create(
            role="node", node=node, pid=pid, started_at=now, seen_at=now,
            resident_bytes=size, cpu_percent=1.25,
        )  # fmt: skip
    page = html_of(client)
    assert "9.0\xa0MB" in page
    assert "5.0\xa0MB" not in page


def test_the_queries_are_as_many_for_many_nodes_and_touch_no_birds(client: Client) -> None:
    run_daemon()
    for query in ("", "?sort=rate", "?sort=memory", "?state=connected&q=n&enabled=yes"):
        counts = []
        for batch in (range(1, 5), range(5, 300)):
            nodes = Node.objects.bulk_create(
                Node(name=f"n{n}", ip_address="10.0.0.1", port=n) for n in batch
            )
            NodeStatus.objects.bulk_create(
                NodeStatus(node=node, state=NodeState.CONNECTED, since=timezone.now())
                for node in nodes
            )
            queries = queries_of(client, LIST + query)
            counts.append(len(queries))
            assert not any("birds_bird" in sql or "nodes_statuschange" in sql for sql in queries)
        assert counts[0] == counts[1] <= 11, queries
        Node.objects.all().delete()


def test_processes_are_found_by_their_nodes(client: Client) -> None:
    run_daemon()
    now = timezone.now()
    for n in range(1, 300):
        node = Node.objects.create(name=f"n{n}", ip_address="10.0.0.1", port=n)
        DaemonProcess.objects.create(
            role="node", node=node, pid=n, started_at=now, seen_at=now,
            resident_bytes=1, cpu_percent=0,
        )  # fmt: skip
    sql = next(it for it in queries_of(client, LIST) if 'FROM "writer_daemonprocess"' in it)
    assert plan_of(sql)


# What may be done


def act(client: Client, **fields: object) -> str:
    """Do something; return the page that one is led to, or the question."""
    return client.post(ACT, fields, follow=True).content.decode()


def test_one_node_is_acted_on_at_once(client: Client) -> None:
    run_daemon()
    node = Node.objects.create(name="Dartmoor", ip_address="10.0.0.1", port=1)
    assert "Disabled Dartmoor." in act(client, only=f"disable {node.pk}")
    assert not Node.objects.get().enabled
    assert "each of them is disabled" in act(client, only=f"restart {node.pk}")
    assert "Enabled Dartmoor." in act(client, action="enable", node=[node.pk])
    assert "Restarting Dartmoor." in act(client, only=f"restart {node.pk}")
    node.refresh_from_db()
    assert (node.enabled, node.restarts) == (True, 1)
    assert Entry.objects.about(Node, node.pk).count() == 3


def test_many_nodes_are_acted_on_after_a_question(client: Client) -> None:
    run_daemon()
    nodes = nodes_in_every_state()
    chosen = [node.pk for node in nodes.values()]
    page = act(client, action="disable", node=chosen, list="?sort=-cpu")
    enabled = len(chosen) - 1
    assert f"Disable {enabled} nodes?" in page
    assert "1 more was chosen" in page
    assert Node.objects.filter(enabled=False).count() == 1
    keys = re.search(r'name="nodes" value="([\d,]+)"', page)
    back = re.search(r'name="page" value="([^"]+)"', page)
    assert keys
    assert back
    response = client.post(
        ACT, {"action": "disable", "nodes": keys[1], "page": back[1], "sure": "1"}
    )
    assert response["Location"] == "/nodes/?sort=-cpu"
    assert not Node.objects.filter(enabled=True).exists()
    assert f"Disabled {enabled} nodes." in html_of(client)


def test_an_action_ends_on_the_page_where_it_was_asked_for(client: Client) -> None:
    Node.objects.bulk_create(
        Node(name=f"Fen {port}", ip_address="10.0.3.2", port=port) for port in range(1, 250)
    )
    page = html_of(client, "?q=fen&page=2")
    back = re.search(r'name="page" value="([^"]+)"', page)
    key = re.search(r'value="disable (\d+)"', page)
    assert back
    assert key
    form = {"only": f"disable {key[1]}", "list": "?q=fen", "page": html.unescape(back[1])}
    assert client.post(ACT, form)["Location"] == "/nodes/?q=fen&page=2"


def test_every_node_that_a_filter_leaves_is_acted_on(client: Client) -> None:
    run_daemon()
    Node.objects.bulk_create(
        Node(name=f"{'moor' if n % 2 else 'fen'} {n}", ip_address="10.0.0.1", port=n)
        for n in range(1, 301)
    )
    first = Node.objects.filter(name__startswith="fen").values_list("pk", flat=True)[0]
    form = {"action": "disable", "node": [first], "every": "1", "list": "?q=fen"}
    assert "Disable 150 nodes?" in act(client, **form)
    act(client, **form, sure="1")
    assert Node.objects.filter(enabled=False).count() == 150
    assert not Node.objects.filter(enabled=False, name__startswith="moor").exists()
    # Whoever cannot be understood is not taken for everybody.
    act(client, **form | {"list": "?state=nonsense"}, sure="1")
    assert Node.objects.filter(enabled=False).count() == 150


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "enable"},
        {"action": "delete", "node": "1"},
        {"only": "enable"},
        {"only": "enable x"},
        {"only": "enable 99999999999999999999999"},
        {"action": "enable", "node": ["x", "-1", "1e3", "²"]},
        {"action": "enable", "nodes": "1,,2;3"},
    ],
)
def test_nonsense_does_nothing(client: Client, form: dict[str, object]) -> None:
    nodes_in_every_state()
    before = list(Node.objects.values())
    assert "Nothing was done" in act(client, **form) or Node.objects.count() == len(before)
    assert list(Node.objects.values()) == before


def test_nobody_is_led_to_another_site(client: Client) -> None:
    for page in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        response = client.post(ACT, {"page": page, "list": "https://evil.example/"})
        assert response["Location"] == "/nodes/"
    assert client.post(ACT, {"page": "/nodes/7/?over=7d"})["Location"] == "/nodes/7/?over=7d"


def test_without_a_daemon_an_action_says_that_it_waits(client: Client) -> None:
    Daemon.objects.all().delete()
    node = Node.objects.create(name="Dartmoor", ip_address="10.0.0.1", port=1)
    assert "The daemon is not running" in act(client, only=f"disable {node.pk}")


def test_viewers_see_the_list_and_cannot_act() -> None:
    node = nodes_in_every_state()[NodeState.CONNECTED.value]
    viewer = browser_of("viewer")
    page = html_of(viewer)
    assert node.name in page
    assert "checkbox" not in page
    assert ACT not in page
    assert viewer.post(ACT, {"only": f"disable {node.pk}"}).status_code == 403
    assert viewer.get(ACT).status_code == 405
    assert Client().get(LIST).status_code == 302
    assert Node.objects.get(pk=node.pk).enabled


def test_names_are_shown_as_text(client: Client) -> None:
    Node.objects.create(name="<b>x</b>&", ip_address="10.0.0.1", port=1)
    assert "&lt;b&gt;x&lt;/b&gt;&amp;" in html_of(client)
