"""A node that sends more than it may has to wait, is shown as limited, and loses nothing."""

import signal
from collections.abc import Callable
from pathlib import Path

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import NodeStatus, StatusChange
from nodeproc.states import NodeState
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.park import Park, Station
from tests.support.waiting import Promise, wait_until

LOW = 10  # events a second
FLOOD = 1_500
REPORTED = 10.0  # seconds
SETTING = "BIRDWATCHER_MAX_EVENTS_PER_SECOND={}\n"


def test_the_setting_and_the_nodes_own_limit_hold_at_once(
    database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    promise: Promise,
    tmp_path: Path,
) -> None:
    file = tmp_path / "birdwatcher.env"
    file.write_text(SETTING.format(LOW))
    daemon = start_daemon(database, BIRDWATCHER_ENV_FILE=str(file))
    park = Park(database, daemon, field_node, promise)
    station = park.add("Dartmoor")
    peers, process = station.field.peers(), daemon.nodes()[station.id].pid

    _flood(park, station)
    file.write_text(SETTING.format(100_000))
    daemon.send(signal.SIGHUP)
    _wait_until_all_is_read(park, station)
    station.change(max_events_per_second=LOW)
    daemon.wait_for_line(f"Dartmoor .*: at most {LOW} events/s are read from now on")
    _flood(park, station)
    station.change(max_events_per_second=None)
    _wait_until_all_is_read(park, station)

    assert (station.field.peers(), station.field.accepted) == (peers, 1)
    assert daemon.nodes()[station.id].pid == process
    assert NodeStatus.objects.get(node=station.id).reconnects == 0
    changes = StatusChange.objects.filter(node=station.id).order_by("id")
    assert list(changes.values_list("state", flat=True))[-5:] == [
        "connected",
        *2 * ["limited", "connected"],
    ]
    park.bystander_noticed_nothing()


def _flood(park: Park, station: Station) -> None:
    """Have the node send more than it may, and wait until all say so."""
    station.field.send(FLOOD)
    _wait_for_state(park, station, NodeState.LIMITED)
    status = NodeStatus.objects.get(node=station.id)
    assert status.error == f"sends more than {LOW} events/s, and has to wait"
    assert Bird.objects.filter(node=station.id).count() < len(station.field.sent)
    wait_until(
        lambda: park.daemon.counts() == (2, 2),
        timeout=REPORTED,
        message="a limited node counts as connected",
    )


def _wait_until_all_is_read(park: Park, station: Station) -> None:
    station.wait_for_birds()
    _wait_for_state(park, station, NodeState.CONNECTED)


def _wait_for_state(park: Park, station: Station, state: NodeState) -> None:
    wait_until(
        lambda: (
            park.daemon.state(station.id) == state
            and NodeStatus.objects.get(node=station.id).state == state
        ),
        timeout=REPORTED,
        message=lambda: f"{state}: {park.daemon.titles()}",
    )
