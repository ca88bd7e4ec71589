"""Every page, with ten million birds and 500 nodes against 100,000 birds and 50 nodes.

On both sides the birds are those of the last ninety days, the nodes are connected and have a
history, and the daemon is there.
"""

import datetime
import time
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.daemon.models import Daemon, DaemonProcess
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket, StatusChange
from birdwatcher.search.keyset import Position
from nodeproc.states import NodeState
from nodeproc.wire.reasons import Reason
from tests.benchmarks import sizes
from tests.benchmarks.baselines.many_birds import fill
from tests.benchmarks.bench import Bench, keeper
from tests.benchmarks.results import Result, Row
from tests.support.databases import Database, django_in

FEW, MANY = (100_000, 50), (10_000_000, 500)  # birds and nodes
SPAN = datetime.timedelta(days=90)
CHANGES, PACKETS = 100, 20  # kept of each node
COMPLAINT = b'class="notice notice-error"'

# Each with the name of its address, the row that it is about, and what it is asked.
PAGES = {
    "overview": ("overview", None, {}),
    "nodes": ("nodes", None, {}),
    "nodes by rate": ("nodes", None, {"sort": "rate"}),
    "one node": ("node", Node, {}),
    "one node, 7 days": ("node", Node, {"over": "7d"}),
    "birds": ("birds", None, {}),
    "birds, a middle page": ("birds", None, {"before": Bird}),
    "birds of a node": ("birds", None, {"node": Node}),
    "birds of a node and a species": ("birds", None, {"node": Node, "species": Species}),
    "birds of a name": ("birds", None, {"name": "Niamh"}),
    "birds of a day": ("birds", None, {"past": "yesterday"}),
    "species": ("all-species", None, {}),
    "one species": ("species", Species, {}),
    "system": ("system", None, {}),
}


def measure(bench: Bench, vendor: str) -> Result:
    """Fill two databases, then open the pages in turn."""
    with bench.database(vendor) as small:
        _populate(*FEW)
        with bench.database(vendor) as large:
            began = time.monotonic()
            _populate(*MANY)
            filling = time.monotonic() - began
            rows = [_row(vendor, page, large, small) for page in PAGES]
    return Result(rows, [f"filling took {filling:.0f} s"])


def _populate(birds: int, nodes: int) -> None:
    """Put into the database what a network leaves there."""
    fill(birds, nodes, timezone.now() - SPAN, SPAN)
    now = timezone.now()
    Node.objects.update(enabled=True)
    rows = list(Node.objects.all())
    NodeStatus.objects.bulk_create(_status(node, now) for node in rows)
    DaemonProcess.objects.bulk_create(_process(node, now) for node in rows)
    StatusChange.objects.bulk_create(
        (
            StatusChange(node=node, at=at, state=state)
            for node in rows
            for at, state in _history(now)
        ),
        batch_size=1_000,
    )
    RejectedPacket.objects.bulk_create(
        (
            RejectedPacket(
                node=node, at=now, reason=Reason.NOT_JSON.value, size=9, raw=b"\xffno JSON"
            )
            for node in rows
            for _ in range(PACKETS)
        ),
        batch_size=1_000,
    )
    summary = {"nodes": nodes, "connected": nodes, "backlog": 0, "spooled": 0}
    Daemon.objects.create(
        pk=Daemon.ONLY, host="park", pid=1, started_at=now - SPAN, seen_at=now, **summary
    )


def _status(node: Node, now: datetime.datetime) -> NodeStatus:
    return NodeStatus(
        node=node,
        state=NodeState.CONNECTED,
        since=now - SPAN,
        pid=100_000 + node.pk,
        last_event_at=now,
        recent=[node.pk % 7] * NodeStatus.RECENT,
        recent_minute=now,
    )


def _process(node: Node, now: datetime.datetime) -> DaemonProcess:
    return DaemonProcess(
        role="node",
        node=node,
        pid=100_000 + node.pk,
        started_at=now - SPAN,
        resident_bytes=20_000_000 + node.pk,
        cpu_percent=0.1,
        seen_at=now,
    )


def _packet(node: Node, now: datetime.datetime) -> RejectedPacket:
    return RejectedPacket(node=node, at=now, reason=Reason.NOT_JSON.value, size=7, raw=b"no JSON")


def _history(now: datetime.datetime) -> list[tuple[datetime.datetime, NodeState]]:
    """Return when a node was connected, and when not, in the last week."""
    states = (NodeState.BACKING_OFF, NodeState.CONNECTED)
    step = datetime.timedelta(days=7) / CHANGES
    return [(now - (CHANGES - it) * step, states[it % 2]) for it in range(CHANGES)]


def _row(vendor: str, page: str, large: Database, small: Database) -> Row:
    return sizes.compare(
        f"{page}, {MANY[0]:,} birds and {MANY[1]} nodes",
        vendor,
        f"{FEW[0]:,} and {FEW[1]}",
        lambda: _seconds(page, large),
        lambda: _seconds(page, small),
    )


def _seconds(page: str, database: Database) -> float:
    with django_in(database):
        # The daemon is there for as long as this takes.
        Daemon.objects.update(seen_at=timezone.now())
        return sizes.seconds(keeper(), _address(page), lambda html: COMPLAINT not in html)


def _address(page: str) -> str:
    """Return where the page is, in the database that Django looks into."""
    name, about, asked = PAGES[page]
    path = reverse(f"pages:{name}", args=[about.objects.first().pk] if about else [])
    return f"{path}?{urlencode({key: _answer(what) for key, what in asked.items()})}"


def _answer(what: object) -> object:
    """Return what stands in the address for a model: one row's key, or the place of a bird."""
    if what is Bird:
        middle = Bird.objects.dated(doubtfully=False).get(pk=_middle_key())
        return Position(middle.timestamp, middle.pk)
    return what.objects.first().pk if isinstance(what, type) else what


def _middle_key() -> int:
    first, last = Bird.objects.order_by("pk").first(), Bird.objects.order_by("pk").last()
    return (first.pk + last.pk) // 2
