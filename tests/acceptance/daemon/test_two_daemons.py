"""Two daemons with a state directory each on one database: only one of them serves it.

The nodes send every event to every client. So what both receive is one bird, whoever commits it.
"""

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.db import connection

from birdwatcher.writer import spools
from tests.support.daemon import Daemon
from tests.support.databases import POSTGRESQL, SQLITE, Database
from tests.support.fieldnode import FieldNode
from tests.support.manager import Manager
from tests.support.packets import Sighting, encode
from tests.support.park import Park, Station
from tests.support.processes import Processes
from tests.support.waiting import STARTING, Promise, wait_until

WATCHDOG = 30.0  # seconds
TAKING_OVER = 30.0  # seconds; a daemon tries for the lock every few seconds
StartDaemon = Callable[..., Daemon]


@pytest.fixture
def second(start_daemon: StartDaemon, database: Database, tmp_path: Path) -> StartDaemon:
    """`second(up=True)`: start a daemon with another state directory on the same database."""
    return lambda **options: start_daemon(
        database, BIRDWATCHER_STATE_DIR=str(tmp_path / "other"), **options
    )


@pytest.fixture
def manager() -> Iterator[Manager]:
    manager = Manager(WATCHDOG)
    yield manager
    manager.close()


@contextlib.contextmanager
def suspended(*processes: psutil.Process) -> Iterator[None]:
    """Stop these processes where they stand for a while."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def writer_of(daemon: Daemon) -> psutil.Process:
    writer = daemon.writer()
    assert writer is not None
    return psutil.Process(writer)


def end_session_of(writer: psutil.Process) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s",
            [f"birdwatcher writer {writer.pid} on %"],
        )
        assert cursor.rowcount == 1


def send_again(station: Station, sightings: list[Sighting]) -> None:
    """Send the same events once more, as a node may: these are further birds."""
    station.field.send_raw(b"".join(map(encode, sightings)))
    station.field.sent += sightings


def wait_for_clients(station: Station, count: int) -> None:
    wait_until(
        lambda: len(station.field.connections()) == count,
        timeout=TAKING_OVER,
        message=lambda: f"{count} clients, there are {len(station.field.connections())}",
    )


def wait_until_nothing_waits(directory: Path) -> None:
    wait_until(
        lambda: not list(spools.survey(directory / "spool")),
        timeout=TAKING_OVER,
        message="the spools are empty",
    )


def health(processes: Processes, database: Database) -> tuple[int, str]:
    program = processes.manage("health", env=database.env)
    return program.wait(STARTING), program.text()


@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize("whole", [False, True], ids=["its writer hangs", "all of it stands still"])
def test_whoever_lost_its_session_commits_nothing_again(
    park: Park, second: StartDaemon, processes: Processes, whole: bool
) -> None:
    station, first = park.add("Dartmoor"), park.daemon
    station.field.send(20)
    station.wait_for_birds()
    writer = writer_of(first)
    held = [first.process, *first.children()] if whole else [writer]
    with suspended(*held):
        station.field.send(20)  # only the first has them
        end_session_of(writer)
        other = second()
        wait_for_clients(station, 2)
        station.field.send(20)
        send_again(station, station.field.send(3))
        if whole:
            assert other.stop() == 0
            wait_for_clients(station, 1)
    if not whole:
        first.wait_for_line(r"ERROR.*(?i:another daemon .*: disconnect)")
        wait_for_clients(station, 1)
        wait_until(lambda: first.counts()[1] == 0, timeout=5, message=first.title)
        code, said = health(processes, park.database)
        assert code == 2
        assert "standing by" in said
        station.field.send(20)  # only the second has them
        assert other.stop() == 0
        wait_for_clients(station, 1)
    station.field.send(20)
    wait_until_nothing_waits(park.database.state_dir)
    station.wait_for_birds()
    assert "events are in the database already" in first.text()
    assert health(processes, park.database)[0] == 0


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_a_writer_that_finds_another_in_its_place(
    database: Database,
    start_daemon: StartDaemon,
    second: StartDaemon,
    field_node: Callable[..., FieldNode],
    promise: Promise,
    manager: Manager,
) -> None:
    """Its service manager is told, too."""
    park = Park(database, start_daemon(database, **manager.env), field_node, promise)
    station, first = park.add("Dartmoor"), park.daemon
    writer = writer_of(first)
    with suspended(writer):
        station.field.send(20)
        other = second(up=False)
        wait_until(
            lambda: other.writer() is not None, timeout=STARTING, message=lambda: other.text()
        )
        writer.kill()
    wait_for_clients(station, 2)
    station.field.send(20)
    first.wait_for_line(r"ERROR.*(?i:another daemon .*: disconnect)")
    wait_for_clients(station, 1)
    wait_until(
        lambda: manager.status().startswith("error: standing by without nodes: Another daemon"),
        timeout=STARTING,
        message=manager.status,
    )
    other.send(signal.SIGKILL)
    other.wait()
    first.wait_until_up()
    wait_for_clients(station, 1)
    station.field.send(20)
    wait_until_nothing_waits(park.database.state_dir)
    station.wait_for_birds()
