"""The admin's pages about nodes: silence, trouble, and the way to all that is kept of a node."""

import datetime
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.daemon.models import Daemon
from birdwatcher.daemon.node_states import UNKNOWN
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket, StatusChange
from nodeproc.states import NodeState

LIST = "/admin/nodes/node/"


@pytest.fixture
def client(database: object) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def run_daemon(seen: datetime.timedelta = datetime.timedelta(0)) -> None:
    """Say that the daemon was last seen so long ago."""
    at = timezone.now() - seen
    Daemon.objects.create(pk=Daemon.ONLY, host="h", pid=1, started_at=at, seen_at=at)


def states(client: Client, url: str) -> list[str]:
    """Return the words of the states on a page."""
    return re.findall(r'<span class="state state-\w+">([^<]*)', client.get(url).content.decode())


def connected(since: int, last_event: int | None, error: str = "") -> Node:
    """Make a node that connected so many minutes ago, and sent its last event so many ago."""
    node = Node.objects.create(name="Dartmoor", ip_address="10.0.0.1", port=1)
    now, minute = timezone.now(), datetime.timedelta(minutes=1)
    NodeStatus.objects.create(
        node=node,
        state=NodeState.CONNECTED,
        since=now - since * minute,
        last_event_at=None if last_event is None else now - last_event * minute,
        error=error,
    )
    return node


@pytest.mark.parametrize(
    ("since", "last_event", "silent_for"),
    [
        (600, 9, None),
        (600, 11, 11),
        (600, None, 600),
        (9, None, None),
        (9, 600, None),  # it has had no time yet to send anything over this connection
        (11, 600, 11),
    ],
)
def test_a_silent_node_is_connected_and_silent(
    client: Client, since: int, last_event: int | None, silent_for: int | None
) -> None:
    began = timezone.now()
    node = connected(since, last_event)
    run_daemon()
    for url in (LIST, f"{LIST}{node.pk}/change/"):
        html = client.get(url).content.decode()
        assert '<span class="state state-good">connected</span>' in html
        said = re.findall(r"silent since ([^<]*)", html)
        if silent_for is None:
            assert said == []
        else:
            ago = datetime.timedelta(minutes=silent_for)
            moments = {f"{it - ago:%Y-%m-%d %H:%M}"[:15] for it in (began, timezone.now())}
            (text,) = said
            assert text[:15] in moments
    assert states(client, LIST + "?state=connected") == ["connected"]


def test_what_is_wrong_with_a_connected_node_is_shown(client: Client) -> None:
    connected(600, 600, error="cannot spool: disk full")
    run_daemon()
    html = client.get(LIST).content.decode()
    assert "cannot spool: disk full" in html
    assert "silent" not in html


def test_a_connected_node_of_a_dead_daemon_is_not_called_silent(client: Client) -> None:
    connected(600, 600)
    run_daemon(datetime.timedelta(seconds=21))
    assert states(client, LIST) == [UNKNOWN]
    assert "silent" not in client.get(LIST).content.decode()


def test_a_node_leads_to_everything_that_is_kept_of_it(client: Client) -> None:
    node, other = connected(1, 1), Node.objects.create(name="o", ip_address="10.0.0.1", port=2)
    species = Species.objects.create(name="Wren")
    for owner, name in ((node, "mine"), (other, "theirs")):
        Bird.objects.create(node=owner, species=species, name=name, timestamp=timezone.now())
        StatusChange.objects.create(
            node=owner, at=timezone.now(), state=NodeState.CONNECTED, detail=name
        )
        RejectedPacket.objects.create(
            node=owner, at=timezone.now(), reason="not JSON", size=1, raw=name.encode()
        )
    Bird.objects.create(
        node=node, species=species, name="doubtful mine", timestamp=timezone.now(), doubtful=True
    )
    html = client.get(f"{LIST}{node.pk}/change/").content.decode()
    (part,) = re.findall(r'field-lists.*?<div class="readonly">(.*?)</div>', html, re.DOTALL)
    links = re.findall(r'<a href="([^"]*)">([^<]*)', part)
    assert [text for _, text in links] == [
        "birds",
        "birds with a doubtful time",
        "history of its state",
        "rejected packets",
    ]
    for (url, _), expected in zip(links, ["mine", "doubtful mine", "mine", "mine"], strict=True):
        shown = client.get(url.replace("&amp;", "&")).content.decode()
        assert f">{expected}<" in shown
        assert "theirs" not in shown
    assert "lists" not in client.get(f"{LIST}add/").content.decode()
