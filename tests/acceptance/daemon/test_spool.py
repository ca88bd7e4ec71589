"""What was received and cannot be committed waits in the spool, and is committed later, once."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import NodeStatus
from nodeproc.delivery.directory import spooled
from nodeproc.wire.subjects import Origin, Subject
from tests.support.daemon import Daemon
from tests.support.outage import write_locked
from tests.support.park import Park, Station
from tests.support.processes import Processes
from tests.support.sockets import unread_bytes
from tests.support.waiting import wait_until

SPOOLING = 15.0  # seconds: it begins after two


def spools(park: Park) -> Path:
    return park.database.state_dir / "spool"


def origin(station: Station) -> Origin:
    return Origin(Subject.NODES, station.id)


def wait_until_spooled(park: Park, *stations: Station) -> None:
    for station in stations:
        wait_until(
            lambda: not unread_bytes(station.field.port),  # noqa: B023
            timeout=SPOOLING,
            message="everything sent is read",
        )
    wait_until(
        lambda: {origin(station) for station in stations} <= set(spooled(spools(park))),
        timeout=SPOOLING,
        message=lambda: f"spooled; there is {spooled(spools(park))}",
    )


def wait_until_nothing_waits(park: Park) -> None:
    wait_until(
        lambda: not spooled(spools(park)),
        timeout=SPOOLING,
        message=lambda: f"no spool is left; there is {spooled(spools(park))}",
    )


def wait_until_only(park: Park, number: int) -> None:
    kept = [Origin(Subject.NODES, number)]
    wait_until(lambda: spooled(spools(park)) == kept, timeout=SPOOLING, message="only that waits")


def stopped_during_an_outage(park: Park, *stations: Station, count: int) -> None:
    """Have events received, and the daemon stopped, while nothing can be committed."""
    with write_locked(park.database):
        for station in stations:
            station.field.send(count)
        wait_until_spooled(park, *stations)
        assert park.daemon.stop() == 0
    assert {origin(station) for station in stations} <= set(spooled(spools(park)))


def test_an_outage_is_spooled_and_made_up_for(park: Park, processes: Processes) -> None:
    stations = [park.add("Dartmoor"), park.add("Exmoor")]
    connections = [station.field.peers() for station in stations]
    with write_locked(park.database):
        for station in stations:
            station.field.send(100)
        wait_until_spooled(park, *stations)
        for station in stations:
            station.field.send(50)
        listing = processes.run("spool", env=park.database.env)
        assert "Dartmoor" in listing
        assert "Exmoor" in listing
    for station in stations:
        station.wait_for_birds()
    assert [station.field.peers() for station in stations] == connections
    wait_until_nothing_waits(park)
    park.daemon.wait_for_line("Dartmoor .*: committed again after .* s; up to [0-9]+ events waited")
    assert "Nothing is waiting." in processes.run("spool", env=park.database.env)


def test_the_next_daemon_commits_what_the_last_one_spooled(
    park: Park, start_daemon: Callable[..., Daemon], processes: Processes
) -> None:
    """Also of a node that is disabled, without connecting; that of a deleted one is kept."""
    station, disabled, deleted = (park.add(name) for name in ("Dartmoor", "Exmoor", "Snowdon"))
    stopped_during_an_outage(park, station, disabled, deleted, count=30)
    disabled.change(enabled=False)
    accepted = disabled.field.accepted
    number = deleted.id
    deleted.node.delete()
    assert f"{number} (no longer exists)" in processes.run("spool", env=park.database.env)
    daemon = start_daemon(park.database)
    daemon.wait_for_line(rf"spools of nodes that have no row: nodes-{number}; they are kept")
    station.wait_for_birds()
    disabled.wait_for_birds()
    wait_until_only(park, number)
    assert not Bird.objects.filter(node_id=number).exists()
    wait_until(
        lambda: disabled.id not in daemon.nodes(), timeout=10, message="its process has ended"
    )
    assert not disabled.field.connections()
    assert disabled.field.accepted == accepted


def test_what_is_spooled_can_be_committed_by_hand(park: Park, processes: Processes) -> None:
    station = park.add("Dartmoor")
    stopped_during_an_outage(park, station, count=300)
    assert "Everything is committed." in processes.run("spool", "--commit", env=park.database.env)
    station.wait_for_birds()
    wait_until_nothing_waits(park)


def test_beside_a_running_daemon_nothing_is_committed_by_hand(
    park: Park, processes: Processes
) -> None:
    program = processes.manage("spool", "--commit", env=park.database.env)
    assert program.wait() == 1
    assert "Another daemon" in program.text()
    assert "Traceback" not in program.text()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda it: it.name)
def test_a_supervisor_killed_during_an_outage_loses_nothing(
    park: Park, start_daemon: Callable[..., Daemon], number: signal.Signals
) -> None:
    station = park.add("Dartmoor")
    with write_locked(park.database):
        station.field.send(100)
        wait_until_spooled(park, station)
        station.field.send(100)
        wait_until(lambda: not unread_bytes(station.field.port), timeout=10, message="all is read")
        park.daemon.send(number)
        park.daemon.wait()
        # With the database still away, the next one starts, and waits.
        daemon = start_daemon(park.database, up=False)
        wait_until(daemon.writer, timeout=20, message="the next daemon has a writer")
    daemon.wait_until_up()
    station.wait_for_birds()
    wait_until_nothing_waits(park)


def test_a_full_spool_holds_the_node_back_and_loses_nothing(
    park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    """Its limit is the smallest there can be, and so is memory: the rest waits in the socket."""
    assert park.daemon.stop() == 0
    limits = {"BIRDWATCHER_SPOOL_BYTES": "65536", "BIRDWATCHER_RETAINED_BYTES": "65536"}
    park.daemon = start_daemon(park.database, **limits)
    station = park.add("Dartmoor")
    with write_locked(park.database):
        station.field.send(8000)
        park.daemon.wait_for_line("cannot spool: its spool has reached its limit")
        assert unread_bytes(station.field.port)
    station.wait_for_birds()
    assert NodeStatus.objects.get(node=station.node).rejected == 0


def test_a_directory_that_cannot_be_written_to_is_an_error_on_the_node(park: Park) -> None:
    station = park.add("Dartmoor")
    wait_until_nothing_waits(park)
    shutil.rmtree(spools(park), ignore_errors=True)  # a commit that took long has it made
    spools(park).write_text("not a directory")
    with write_locked(park.database):
        station.field.send(100)
        park.daemon.wait_for_line(r"Dartmoor.*cannot spool: (file exists|not a directory)")
    station.wait_for_birds()
    wait_until(
        lambda: "cannot spool" in NodeStatus.objects.get(node=station.node).last_error,
        timeout=10,
        message="the page shows why",
    )
