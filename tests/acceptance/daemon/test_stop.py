"""How the daemon ends: asked, asked twice, killed; and how it outlives its children."""

import contextlib
import signal
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.support.daemon import Daemon
from tests.support.park import Park, Station
from tests.support.processes import is_alive
from tests.support.sockets import unread_bytes
from tests.support.waiting import stays_true, wait_until


@contextlib.contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    """Hold a process where it stands."""
    assert pid is not None
    process = psutil.Process(pid)
    process.suspend()
    try:
        yield
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def everything_is_read(*stations: Station) -> None:
    """Wait until the daemon has read all that was sent: now it is responsible for it."""
    wait_until(
        lambda: not any(unread_bytes(station.field.port) for station in stations),
        timeout=10,
        message="everything sent is read",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_signal_stops_it_with_everything_committed(park: Park, number: signal.Signals) -> None:
    stations = [park.add("Dartmoor"), park.add("Exmoor")]
    processes = park.daemon.titles()
    # While the writer stands still nothing is committed, so there is something left to drain.
    with frozen(park.daemon.writer()):
        for station in stations:
            station.field.send(200)
        everything_is_read(*stations)
        park.daemon.send(number)
        wait_until(
            lambda: not any(station.field.connections() for station in stations),
            timeout=10,
            message="the nodes are disconnected",
        )
    assert park.daemon.wait() == 0
    for station in stations:
        station.wait_for_birds()
    assert not [pid for pid in processes if psutil.pid_exists(pid)]
    assert "Traceback" not in park.daemon.text()


def test_ctrl_c_stops_it(park: Park) -> None:
    station = park.add("Dartmoor")
    station.field.send(50)
    everything_is_read(station)
    processes = park.daemon.titles()
    park.daemon.press_ctrl_c()
    assert park.daemon.wait() == 0
    station.wait_for_birds()
    assert not [pid for pid in processes if psutil.pid_exists(pid)]
    assert "Traceback" not in park.daemon.text()


def test_second_ctrl_c_stops_it_at_once(park: Park) -> None:
    station = park.add("Dartmoor")
    processes = park.daemon.titles()
    with frozen(park.daemon.writer()):
        station.field.send(50)
        everything_is_read(station)
        park.daemon.press_ctrl_c()
        # Now it waits for a writer that does nothing.
        stays_true(lambda: park.daemon.exit_code is None, seconds=1, message="it drains")
        park.daemon.press_ctrl_c()
        park.promise("a second Ctrl-C ends it at once", lambda: park.daemon.exit_code is not None)
    assert not [pid for pid in processes if psutil.pid_exists(pid)]
    assert "Traceback" not in park.daemon.text()


def test_stop_is_bounded(park: Park, start_daemon: Callable[..., Daemon]) -> None:
    """A writer that hangs keeps the daemon no longer than its bound."""
    assert park.daemon.stop() == 0
    daemon = start_daemon(park.database, BIRDWATCHER_STOP_TIMEOUT="2")
    with frozen(daemon.writer()):
        daemon.send(signal.SIGTERM)
        daemon.wait(10)


def test_children_end_when_the_supervisor_is_killed(
    park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    station = park.add("Dartmoor")
    station.field.send(20)
    station.wait_for_birds()
    children = [process.pid for process in park.daemon.children()]
    assert len(children) == 3
    park.daemon.send(signal.SIGKILL)
    park.promise(
        "the children of a killed supervisor end",
        lambda: not any(is_alive(pid) for pid in children),
        within=5,
    )
    # Nothing of the dead one stands in the way of the next.
    start_daemon(park.database)
    wait_until(station.field.connected, timeout=15, message="the next daemon is connected")
    station.field.send(20)
    station.wait_for_birds()


def test_killed_writer_is_replaced_and_nothing_is_lost_or_doubled(park: Park) -> None:
    stations = [park.add("Dartmoor"), park.add("Exmoor"), park.add("Þingvellir")]
    connections = [station.field.peers() for station in stations]
    for _ in range(4):
        for _ in range(20):
            for station in stations:
                station.field.send(10)
        writer = park.daemon.writer()
        assert writer is not None
        psutil.Process(writer).kill()
        for station in stations:
            station.field.send(10)
        wait_until(
            lambda: park.daemon.writer() not in {None, writer},  # noqa: B023
            timeout=20,
            message="there is a new writer",
        )
    for station in stations:
        station.wait_for_birds()
    assert [station.field.peers() for station in stations] == connections
    park.bystander_noticed_nothing()


def test_killed_node_process_is_replaced(park: Park) -> None:
    station = park.add("Dartmoor")
    station.field.send(20)
    station.wait_for_birds()
    killed = park.daemon.nodes()[station.id].pid
    psutil.Process(killed).kill()
    wait_until(
        lambda: park.daemon.connected_anew(station.id, killed),
        timeout=20,
        message="a new process is connected",
    )
    assert station.field.connected()
    assert not park.daemon.zombies()
    station.field.send(20)
    station.wait_for_birds()
    park.bystander_noticed_nothing()
