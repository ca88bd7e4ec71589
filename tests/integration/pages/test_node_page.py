"""The page of one node: its state, its history, its packets, its birds, and who changed it."""

import datetime

import pytest
from django.test import Client
from django.utils import timezone

from birdwatcher.audit.author import Author
from birdwatcher.audit.models import Action
from birdwatcher.audit.record import record
from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket, StatusChange
from birdwatcher.pages.nodes import history, timeline
from nodeproc.states import NodeState
from nodeproc.wire.reasons import Reason
from tests.support.configured import configured
from tests.support.flock import insert
from tests.support.network import browser_of, queries_of, run_daemon, tell
from tests.support.plans import analyze, plan_of

pytestmark = pytest.mark.usefixtures("database")

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def node(database: object) -> Node:
    """A node."""
    return Node.objects.create(name="Dartmoor", ip_address="10.0.3.2", port=9999)


@pytest.fixture
def client(database: object) -> Client:
    """A viewer's browser."""
    return browser_of("viewer")


def page(client: Client, node: Node, query: str = "") -> str:
    response = client.get(f"/nodes/{node.pk}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def change(node: Node, at: datetime.datetime, state: str, pid: int = 1, detail: str = "") -> None:
    StatusChange.objects.create(node=node, at=at, state=state, pid=pid, detail=detail)


def hear(node: Node, *times: datetime.datetime, doubtful: bool = False) -> None:
    species, _ = Species.objects.get_or_create(name="Wren")
    birds = [
        Bird(timestamp=at, name=f"Al{n}", species=species, node=node, doubtful=doubtful)
        for n, at in enumerate(times)
    ]
    insert(birds)


def reject(node: Node, *packets: bytes) -> None:
    RejectedPacket.objects.bulk_create(
        RejectedPacket(node=node, at=timezone.now(), reason=Reason.NOT_JSON, size=9, raw=raw)
        for raw in packets
    )


def test_its_share_in_the_events_of_all_nodes_is_shown(client: Client, node: Node) -> None:
    assert " % of all nodes" not in page(client, node)
    other = Node.objects.create(name="Exmoor", ip_address="10.0.3.3", port=9999)
    gone = Node.objects.create(name="Bodmin", ip_address="10.0.3.4", port=9999)
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    for each, events, age in ((node, 930, 1), (other, 70, 1), (gone, 5000, 90)):
        NodeStatus.objects.create(
            node=each,
            state=NodeState.CONNECTED,
            since=now,
            recent=[events],
            recent_minute=minute - datetime.timedelta(minutes=age),
        )
    assert "93 % of all nodes" in page(client, node)
    assert "7 % of all nodes" in page(client, other)
    assert "0 % of all nodes" in page(client, gone)


def test_a_new_node_has_a_page(client: Client, node: Node) -> None:
    html = page(client, node)
    assert "The daemon is not running" in html
    assert "No birds yet" in html
    assert "No change of its state" in html
    assert client.get("/nodes/999999/").status_code == 404


def test_what_is_wrong_and_what_to_check(client: Client, node: Node) -> None:
    run_daemon()
    tell(node, NodeState.BACKING_OFF, error="connection refused", last_error="connection refused")
    html = page(client, node)
    assert "nothing listens on port 9999" in html
    assert "nc -vz 10.0.3.2 9999" in html
    node.status.state, node.status.error = NodeState.CONNECTED, ""
    node.status.save()
    html = page(client, node)
    assert "nothing listens" not in html
    assert "badge-good" in html


def test_without_a_daemon_it_is_not_shown_as_connected(client: Client, node: Node) -> None:
    run_daemon(datetime.timedelta(minutes=5))
    tell(node, NodeState.CONNECTED)
    html = page(client, node)
    assert 'badge-busy">unknown' in html
    assert 'badge-good">connected' not in html


def test_the_band_tells_the_states(client: Client, node: Node) -> None:
    now = timezone.now()
    run_daemon()
    change(node, now - 30 * HOUR, "connected")
    change(node, now - 12 * HOUR, "backing off", detail="no route to host")
    change(node, now - 6 * HOUR, "connected")
    html = page(client, node)
    assert "connected <strong>17 h 59 min" in html or "connected <strong>18 h" in html
    assert "backing off <strong>6 h" in html
    assert ">75<small> %" in html
    assert "no route to host" in html
    assert "not known" not in html
    assert "not known" in page(client, node, "?over=7d")


def test_after_the_daemon_ended_without_a_word_nothing_is_known(node: Node) -> None:
    now = timezone.now()
    change(node, now - 10 * HOUR, "connected", pid=1)
    hear(node, now - 9 * HOUR, now - 8 * HOUR)
    hear(node, now - HOUR, doubtful=True)
    change(node, now - 4 * HOUR, "connecting", pid=2)
    found = timeline.stretches(
        history.states(node, now - 24 * HOUR), now - 24 * HOUR, now, known_until=now
    )
    words = [(it.word, round(it.length / HOUR)) for it in found]
    expected = [("not known", 14), ("connected", 2), ("not known", 4), ("connecting", 4)]
    assert words == expected


def test_a_process_that_ended_in_good_order_leaves_no_doubt(node: Node) -> None:
    now = timezone.now()
    for hours, state, pid in ((10, "connected", 1), (8, "stopped", 1), (4, "connecting", 2)):
        change(node, now - hours * HOUR, state, pid=pid)
    words = [word for _, word in history.states(node, now - 24 * HOUR)]
    assert words == ["connected", "stopped", "connecting"]


def test_tables_go_on_to_what_is_older(client: Client, node: Node) -> None:
    now = timezone.now()
    for n in range(50):
        change(
            node, now - (50 - n) * HOUR, "connected" if n % 2 else "backing off", pid=100_000 + n
        )
    reject(node, *[f"packet {n}!".encode() for n in range(50)])
    for n in range(50):
        record(Action.CHANGE, [node], f"Change {n}!")
    marks = {"changes": ">{}<", "packets": "packet {}!", "log": "Change {}!"}
    numbers = {"changes": range(100_000, 100_050), "packets": range(50), "log": range(50)}
    for name, mark in marks.items():
        seen: list[int] = []
        query = ""
        for _ in range(3):
            html = page(client, node, query)
            seen += [n for n in reversed(numbers[name]) if mark.format(n) in html]
            following = html.split(f'id="older-{name}"')
            if len(following) == 2:
                query = following[1].split('href="')[1].split("#")[0].replace("&amp;", "&")
        assert len(following) == 1, name
        assert seen == list(reversed(numbers[name])), name
        assert f'id="newest-{name}"' in html


def test_packets_are_shown_as_text_and_in_hex(client: Client, node: Node) -> None:
    reject(node, b'{"<script>\xff\n\xe2\x80\xae')
    html = page(client, node)
    assert "{&quot;&lt;script&gt;\\xff\\n\\u202e" in html
    assert "7b 22 3c 73 63 72 69 70 74 3e ff 0a e2 80 ae" in html
    assert "not JSON" in html


def test_only_its_own_is_shown(client: Client, node: Node) -> None:
    other = Node.objects.create(name="Exmoor", ip_address="10.0.3.3", port=9999)
    reject(other, b"of another")
    change(other, timezone.now(), "crashed", detail="of another")
    hear(other, timezone.now())
    record(Action.CHANGE, [other], "of another")
    html = page(client, node)
    assert "of another" not in html
    assert "Al0" not in html


@pytest.mark.parametrize(
    "query",
    [
        "?over=nonsense",
        "?over=%00",
        "?changes=x",
        "?packets=-1",
        "?log=99999999999999999999999999",
        "?log=1e3",
        "?packets=²",
    ],
)
def test_nonsense_in_the_address_is_told(client: Client, node: Node, query: str) -> None:
    reject(node, b"kept all the same")
    html = page(client, node, query)
    assert "notice-warning" in html
    assert "kept all the same" in html


def test_strangers_do_not_learn_who_changed_it(node: Node) -> None:
    record(Action.CHANGE, [node], "Disabled.", by=Author("ranger"))
    assert Client().get(f"/nodes/{node.pk}/").status_code == 302
    with configured(public=True):
        html = page(Client(), node)
    assert "ranger" not in html
    assert "Dartmoor" in html
    assert "/nodes/act/" not in html


def test_operators_act_here_too(node: Node) -> None:
    operator = browser_of("operator")
    assert f"restart {node.pk}" in page(operator, node)
    form = {"only": f"disable {node.pk}", "page": f"/nodes/{node.pk}/?over=7d"}
    response = operator.post("/nodes/act/", form, follow=True)
    assert response.redirect_chain == [(f"/nodes/{node.pk}/?over=7d", 302)]
    assert "This node is disabled" in response.content.decode()
    assert "Disabled." in page(operator, node)


def test_the_plans_follow_the_indexes_and_the_queries_do_not_grow(
    client: Client, node: Node
) -> None:
    run_daemon()
    now = timezone.now()
    tell(node, NodeState.CONNECTED)
    before = len(queries_of(client, f"/nodes/{node.pk}/"))
    nodes = [node] + [
        Node.objects.create(name=f"n{n}", ip_address="10.0.0.1", port=n) for n in range(1, 40)
    ]
    StatusChange.objects.bulk_create(
        StatusChange(node=it, at=now - n * HOUR / 60, state="connected", pid=1)
        for n in range(300)
        for it in nodes
    )
    for it in nodes:
        reject(it, *[b"x"] * 200)
        hear(it, *[now - n * HOUR / 20 for n in range(200)])
        for _ in range(50):
            record(Action.CHANGE, [it])
    analyze()
    queries = queries_of(client, f"/nodes/{node.pk}/")
    assert len(queries) == before <= 22
    expected = {
        # Of a few minutes of all nodes the server may find those of this one among the newest.
        'FROM "birds_bird"': "birds_bird_n",
        'FROM "nodes_statuschange"': "nodes_change_node_newest",
        'FROM "nodes_rejectedpacket"': "nodes_packet_node_newest",
        'FROM "audit_entry"': "audit_entry_object",
    }
    for table, index in expected.items():
        found = [sql for sql in queries if table in sql]
        assert found, table
        for sql in found:
            assert index in plan_of(sql), sql
