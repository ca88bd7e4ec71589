"""What is to be seen on the pictures: a small network with a past, the same each time."""

import datetime
import random
from collections.abc import Iterator, Sequence

from django.db import transaction
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.daemon.models import DaemonProcess
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket, StatusChange
from birdwatcher.rollups.counting import count
from birdwatcher.simulator.names import GIVEN_NAMES, SPECIES
from nodeproc.states import NodeState
from tests.support.databases import Database
from tests.support.ports import PortBlock
from tests.support.processes import Processes
from tests.support.waiting import STARTING, wait_until

NAMES = ("Dartmoor", "Exmoor", "Kielder", "Cairngorms", "Loch Lomond, north shore", "Snowdonia")
DOWN, DISABLED = ("Northumberland", 9998), ("Peak District", 9999)
GARBAGE = 0.1  # of the packets of the first one
PICTURED = "European Robin"
HOURS = 24 * 100  # of birds
SOME = 4  # in an hour at night
DAWN, DUSK = 6, 19  # hours of the day around which birds sing most
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)


def start(processes: Processes, database: Database, ports: PortBlock) -> dict[str, int]:
    """Start simulated nodes and the daemon; return the keys of the rows that pictures are of.

    When it returns, everything is connected and measured, and there is something of everything.
    """
    taken = [ports.take() for _ in NAMES]
    nodes = _populate(taken)
    for number, port in enumerate(taken):
        garbage = GARBAGE if number == 0 else 0
        options = ("--rate", f"{1 / (number + 1):.2f}", "--seed", "7", "--garbage", str(garbage))
        processes.manage("runnodes", str(port), *options, env=database.env)
    processes.manage("connectnodes", env=database.env)
    connected = NodeStatus.objects.filter(state=NodeState.CONNECTED, pid__isnull=False)
    wait_until(
        lambda: (
            connected.count() == len(nodes)
            and DaemonProcess.objects.count() >= len(nodes)
            and RejectedPacket.objects.count() >= 2
        ),
        timeout=2 * STARTING,
        message=lambda: f"everything is connected and measured; {processes.output()}",
    )
    return {"node": nodes[0].pk, "species": Species.objects.get(name=PICTURED).pk}


def _populate(ports: Sequence[int]) -> list[Node]:
    """Save nodes on these ports, one that nobody answers for, one disabled, and what they heard."""
    dice = random.Random(7)  # noqa: S311 nobody has to be surprised
    nodes = [
        Node.objects.create(name=name, ip_address="127.0.0.1", port=port)
        for name, port in zip(NAMES, ports, strict=True)
    ]
    name, port = DOWN
    # Of a range that is kept for documentation, from which nothing answers.
    Node.objects.create(name=name, ip_address="192.0.2.7", port=port)
    name, port = DISABLED
    Node.objects.create(name=name, ip_address="192.0.2.8", port=port, enabled=False)
    species = [Species.objects.create(name=name) for name in SPECIES]
    now = timezone.now()
    with transaction.atomic():
        birds = sorted(_birds(nodes, species, now, dice), key=lambda bird: bird.timestamp)
        Bird.objects.bulk_create(birds, batch_size=1_000)
        count(birds)
        for node in nodes:
            _remember(node, now, dice)
    return nodes


def _birds(
    nodes: Sequence[Node], species: Sequence[Species], now: datetime.datetime, dice: random.Random
) -> Iterator[Bird]:
    common = [1 / (rank + 1) for rank in range(len(species))]
    busy = [1 / (rank + 2) for rank in range(len(nodes))]
    for back in range(HOURS):
        hour = (now - back * HOUR).hour
        songs = max(0, 5 - abs(hour - DAWN)) * 16 + max(0, 3 - abs(hour - DUSK)) * 12
        for _ in range(SOME + round(songs * dice.uniform(0.7, 1.3))):
            yield Bird(
                timestamp=now - (back + dice.random()) * HOUR,
                name=dice.choice(GIVEN_NAMES),
                species=dice.choices(species, common)[0],
                node=dice.choices(nodes, busy)[0],
            )


def _remember(node: Node, now: datetime.datetime, dice: random.Random) -> None:
    """Save how the node came and went in the last week, and how busy its last hour was."""
    at = now - datetime.timedelta(days=7)
    changes = [StatusChange(node=node, at=at, state=NodeState.CONNECTED)]
    while (at := at + dice.uniform(8, 40) * HOUR) < now - 2 * HOUR:
        back = at + dice.uniform(5, 90) * MINUTE
        refused = StatusChange(
            node=node, at=at, state=NodeState.BACKING_OFF, detail="connection refused"
        )
        changes += [refused, StatusChange(node=node, at=back, state=NodeState.CONNECTED)]
    StatusChange.objects.bulk_create(changes)
    NodeStatus.objects.create(
        node=node,
        state=NodeState.CONNECTED,
        since=changes[-1].at,
        last_event_at=now,
        events=Bird.objects.filter(node=node).count(),
        reconnects=len(changes) // 2,
        recent=[dice.randint(0, 30) for _ in range(NodeStatus.RECENT)],
        recent_minute=now - MINUTE,
    )
