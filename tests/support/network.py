"""A network as the database tells of it: nodes in every state, what the daemon said last."""

import datetime

from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.daemon.models import Daemon
from birdwatcher.daemon.node_states import DISABLED, WAITING
from birdwatcher.nodes.models import Node, NodeStatus
from nodeproc.states import NodeState


def browser_of(role: str) -> Client:
    """Return a browser in which somebody of the group `role` is logged in."""
    client = Client()
    user = User.objects.create_user(f"{role} {User.objects.count()}")
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    return client


def nodes_in_every_state() -> dict[str, Node]:
    """Make a node in every state of a process, one without a status, one disabled; by word."""
    words = [*(state.value for state in NodeState), WAITING, DISABLED]
    nodes = {
        word: Node.objects.create(
            name=f"node {n}", ip_address=f"10.0.0.{n}", port=9990 + n, enabled=word != DISABLED
        )
        for n, word in enumerate(words, 1)
    }
    for state in NodeState:
        tell(nodes[state.value], state)
    return nodes


def tell(node: Node, state: NodeState, **fields: object) -> NodeStatus:
    """Write down what the daemon says of a node."""
    told = {"state": state, "since": timezone.now(), "pid": 1000 + node.pk} | fields
    return NodeStatus.objects.create(node=node, **told)


def run_daemon(seen: datetime.timedelta = datetime.timedelta(0), **fields: object) -> Daemon:
    """Say that the daemon was last seen so long ago."""
    at = timezone.now() - seen
    told = {"host": "h", "pid": 1, "started_at": at, "seen_at": at} | fields
    return Daemon.objects.create(pk=Daemon.ONLY, **told)


def queries_of(client: Client, address: str) -> list[str]:
    """Open a page, which must answer; return the queries that it took."""
    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)
    assert response.status_code == 200, address
    return [query["sql"] for query in queries]
