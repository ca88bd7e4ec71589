"""The admin's pages about rejected packets and history: readable, harmless, quick, read-only."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.nodes.models import Node, RejectedPacket, StatusChange
from birdwatcher.staff import changelist
from nodeproc.states import NodeState
from nodeproc.wire.reasons import Reason
from tests.support.plans import analyze, plan_of

PACKETS = "/admin/nodes/rejectedpacket/"
CHANGES = "/admin/nodes/statuschange/"
HOSTILE = b"<script>alert(1)</script>\x00\xff\r\n\xe2\x80\xae&lt;{{ 7|add:7 }}%s\\x00"


@pytest.fixture
def client(database: object) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def make_node(port: int = 1) -> Node:
    return Node.objects.create(name=f"node {port}", ip_address="10.0.3.2", port=port)


def make_packets(node: Node, *raws: bytes, reason: Reason = Reason.NOT_JSON) -> None:
    RejectedPacket.objects.bulk_create(
        RejectedPacket(node=node, at=timezone.now(), reason=reason.value, size=12345, raw=raw)
        for raw in raws
    )


def make_changes(node: Node, *states: NodeState, detail: str = "") -> None:
    StatusChange.objects.bulk_create(
        StatusChange(node=node, at=timezone.now(), state=state.value, pid=7, detail=detail)
        for state in states
    )


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, response.headers
    return response.content.decode()


def beginnings(html: str) -> list[str]:
    return re.findall(r'<code class="packet">([^<]*)', html)


def states(html: str) -> list[str]:
    return re.findall(r'<span class="state state-\w+">([^<]*)', html)


def test_packets_are_listed_newest_first_and_filtered(client: Client) -> None:
    first, second = make_node(1), make_node(2)
    make_packets(first, b"one", b"two")
    make_packets(second, b"three", reason=Reason.TOO_DEEP)
    assert beginnings(page(client, PACKETS)) == ["three", "two", "one"]
    assert beginnings(page(client, f"{PACKETS}?node__id__exact={first.pk}")) == ["two", "one"]
    assert beginnings(page(client, f"{PACKETS}?reason__exact=nested+too+deep")) == ["three"]
    both = f"{PACKETS}?node__id__exact={first.pk}&reason__exact=nested+too+deep"
    assert beginnings(page(client, both)) == []
    assert beginnings(page(client, PACKETS + "?o=4")) == ["three", "two", "one"]
    assert all(reason.value in page(client, PACKETS) for reason in Reason)


def test_changes_are_listed_newest_first_and_filtered(client: Client) -> None:
    first, second = make_node(1), make_node(2)
    make_changes(first, NodeState.CONNECTED, NodeState.BACKING_OFF, detail="<b>refused</b>")
    make_changes(second, NodeState.CONNECTED)
    html = page(client, CHANGES)
    assert states(html) == ["connected", "backing off", "connected"]
    assert "&lt;b&gt;refused&lt;/b&gt;" in html
    assert states(page(client, f"{CHANGES}?node__id__exact={second.pk}")) == ["connected"]
    assert states(page(client, f"{CHANGES}?state__exact=backing+off")) == ["backing off"]


def test_a_hostile_packet_is_shown_and_does_nothing(client: Client) -> None:
    make_packets(make_node(), HOSTILE, bytes(range(256)), b"")
    for packet in RejectedPacket.objects.all():
        html = page(client, f"{PACKETS}{packet.pk}/change/")
        assert "<script>alert" not in html
        assert "\0" not in html
        assert "\u202e" not in html
        assert "announced 12,345 bytes" in html
    html = page(client, f"{PACKETS}{RejectedPacket.objects.last().pk}/change/")
    text = r"&lt;script&gt;alert(1)&lt;/script&gt;\x00\xff\r\n\u202e&amp;lt;{{ 7|add:7 }}%s\\x00"
    assert f'<pre class="packet">{text}</pre>' in html
    assert "0000  3c 73 63 72 69 70 74 3e 61 6c 65 72 74 28 31 29  &lt;script&gt;alert(1)\n" in html
    assert "<script>alert" not in page(client, PACKETS)


def test_long_packets_are_cut_in_the_list_and_whole_on_their_page(client: Client) -> None:
    make_packets(make_node(), b"x" * 256)
    (shown,) = beginnings(page(client, PACKETS))
    assert len(shown) == 80
    html = page(client, f"{PACKETS}{RejectedPacket.objects.get().pk}/change/")
    assert "x" * 256 in html
    assert "the first 256 are kept" in html


@pytest.mark.parametrize("url", [PACKETS, CHANGES])
def test_nobody_writes_them(client: Client, url: str) -> None:
    node = make_node()
    make_packets(node, b"x")
    make_changes(node, NodeState.CONNECTED)
    model = RejectedPacket if url == PACKETS else StatusChange
    key = model.objects.get().pk
    for path in ("add/", f"{key}/delete/"):
        assert client.get(url + path).status_code == 403
    assert client.post(f"{url}{key}/change/", {"size": 1}).status_code == 403
    assert client.post(url, {"action": "delete_selected", "_selected_action": key})
    assert model.objects.count() == 1
    assert 'name="action"' not in page(client, url)


@pytest.mark.parametrize("url", [PACKETS, CHANGES])
def test_who_may_not_view_them_does_not(client: Client, url: str) -> None:
    ranger = User.objects.create_user("ranger", is_staff=True)
    client.force_login(ranger)
    assert client.get(url).status_code == 403
    ranger.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("url", [PACKETS, CHANGES])
def test_queries_are_few_and_the_count_is_capped(
    client: Client, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(changelist, "ENOUGH", 150)
    for port in range(1, 21):
        make_packets(make_node(port), *[b"x"] * 10)
        make_changes(Node.objects.get(port=port), *[NodeState.CONNECTED] * 10)
    with CaptureQueriesContext(connection) as queries:
        html = page(client, url)
    assert len(queries) == 5  # session, user, nodes, count, rows
    assert "more than 150 " in html
    assert "narrow the list" in html
    assert len(re.findall('class="field-node', html)) == 100


FOLLOWED = {
    PACKETS + "?node__id__exact={node}": "nodes_packet_node_newest",
    PACKETS + "?reason__exact=nested+too+deep": "nodes_packet_reason_newest",
    CHANGES + "?node__id__exact={node}": "nodes_change_node_newest",
    CHANGES + "?state__exact=crashed": "nodes_change_state_newest",
}


def test_the_plans_follow_the_indexes(client: Client) -> None:
    for port in range(1, 41):
        node = make_node(port)
        make_packets(node, *[b"x"] * 250)
        make_packets(node, b"deep", reason=Reason.TOO_DEEP)
        make_changes(node, *[NodeState.CONNECTED] * 250, NodeState.CRASHED)
    analyze()
    for url, index in FOLLOWED.items():
        with CaptureQueriesContext(connection) as queries:
            page(client, url.format(node=node.pk))
        plan = plan_of(queries[-1]["sql"])
        assert index in plan
