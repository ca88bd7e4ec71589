"""What the daemon tells the service manager, and what a hung writer leads to."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.daemon import Daemon
from tests.support.databases import POSTGRESQL, SQLITE, Database
from tests.support.manager import Manager
from tests.support.park import Park
from tests.support.postgres import PostgresCluster
from tests.support.processes import ROOT, is_alive
from tests.support.waiting import STARTING, STOPPING, Promise, stays_true, wait_until

WATCHDOG = 4.0  # seconds
SHORTEST_PATIENCE = "10"  # seconds, with a silent writer


@pytest.fixture
def manager() -> Iterator[Manager]:
    manager = Manager(WATCHDOG)
    yield manager
    manager.close()


@pytest.fixture
def watched(
    database: Database,
    manager: Manager,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., object],
    promise: Promise,
) -> Park:
    """A daemon under a service manager."""
    env = manager.env | {"BIRDWATCHER_WRITER_TIMEOUT": SHORTEST_PATIENCE}
    return Park(database, start_daemon(database, **env), field_node, promise)


def says(manager: Manager, status: str) -> None:
    wait_until(
        lambda: manager.status().startswith(status),
        timeout=STARTING,
        message=lambda: f"it says {status!r}, and not {manager.status()!r}",
    )


def beats(manager: Manager) -> Callable[[], int]:
    return lambda: len(manager.values("WATCHDOG"))


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_a_life_in_its_words(watched: Park, manager: Manager) -> None:
    watched.add("Dartmoor")
    away = watched.add("Exmoor", connected=False)
    away.field.close()
    says(manager, "3 nodes, 2 connected, 1 backing off")
    assert manager.said().index(("READY", "1")) > 0
    wait_until(lambda: beats(manager)() >= 3, timeout=WATCHDOG * 2, message="it beats")
    watched.daemon.send(signal.SIGHUP)
    wait_until(lambda: "1" in manager.values("RELOADING"), timeout=STARTING, message="reloading")
    reloading = manager.said().index(("RELOADING", "1"))
    wait_until(
        lambda: ("READY", "1") in manager.said()[reloading:], timeout=5, message="ready again"
    )
    watched.bystander_noticed_nothing()
    assert watched.daemon.stop() == 0
    names = [name for name, _ in manager.said()]
    assert "STOPPING" in names
    assert "READY" not in names[names.index("STOPPING") :]


def test_not_ready_before_every_node_has_its_process(
    database: Database,
    manager: Manager,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., object],
) -> None:
    from birdwatcher.nodes.models import Node

    nodes = [
        Node.objects.create(name=f"Moor {number}", ip_address="127.0.0.1", port=field_node().port)
        for number in range(12)
    ]
    daemon = start_daemon(database, up=False, **manager.env)
    wait_until(lambda: "1" in manager.values("READY"), timeout=STARTING, message="it is ready")
    assert len(daemon.children()) == len(nodes) + 1


def test_an_outage_at_the_start_takes_its_time(
    own_cluster: PostgresCluster,
    manager: Manager,
    start_daemon: Callable[..., Daemon],
    tmp_path: Path,
) -> None:
    daemon = start_daemon(
        Database(POSTGRESQL, own_cluster.url("later"), tmp_path), up=False, **manager.env
    )
    says(manager, "no database: ")
    wait_until(
        lambda: len(manager.values("EXTEND_TIMEOUT_USEC")) >= 2,
        timeout=STARTING,
        message="it asks for more time, again and again",
    )
    assert "1" not in manager.values("READY")
    assert daemon.stop() == 0


@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
def test_an_outage_is_no_reason_for_a_restart(watched: Park, manager: Manager) -> None:
    """The watchdog's beat goes on for longer than a silent writer would be suffered."""
    close_database(watched)
    says(manager, "no database: ")
    before = beats(manager)()
    writer = watched.daemon.writer()
    wait_until(
        lambda: beats(manager)() > before + float(SHORTEST_PATIENCE) + 2,
        timeout=float(SHORTEST_PATIENCE) * 4,
        message="it goes on beating",
    )
    assert watched.daemon.writer() == writer


def close_database(park: Park) -> None:
    """End the daemon's session, and let nobody begin another."""
    server, _, name = park.database.url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


def test_a_hung_writer_is_replaced(watched: Park, manager: Manager) -> None:
    station = watched.add("Dartmoor")
    hung = watched.daemon.writer()
    assert hung is not None
    psutil.Process(hung).suspend()
    station.field.send(50)
    wait_until(
        lambda: watched.daemon.writer() not in {hung, None},
        timeout=float(SHORTEST_PATIENCE) + STARTING,
        message=lambda: f"another writer; {watched.daemon.text()}",
    )
    assert not is_alive(hung)
    station.wait_for_birds()
    watched.bystander_noticed_nothing()
    assert "no sign of life" in watched.daemon.text()
    started = beats(manager)()
    wait_until(lambda: beats(manager)() > started, timeout=WATCHDOG, message="it beats")


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_a_supervisor_that_stood_still_blames_nobody(watched: Park) -> None:
    writer = watched.daemon.writer()
    watched.daemon.process.suspend()
    stays_true(lambda: True, seconds=float(SHORTEST_PATIENCE) + 2, message="it stands still")
    watched.daemon.process.resume()
    watched.bystander_noticed_nothing()
    stays_true(
        lambda: watched.daemon.writer() == writer, seconds=2, message="the writer is the same"
    )


def test_when_memory_runs_out_the_parent_goes_last(park: Park) -> None:
    def score(pid: int) -> int:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text())

    writer = park.daemon.writer()
    assert writer is not None
    for process in park.daemon.nodes().values():
        assert score(process.pid) > score(writer) > score(park.daemon.pid)


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_the_end_of_its_terminal_is_no_reload(database: Database, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    log = tmp_path / "log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [sys.executable, "-c", IN_TERMINAL, str(ROOT / "manage.py"), "connectnodes"],
            env=dict(database.env),
            stdin=theirs,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    os.close(theirs)
    try:
        wait_until(lambda: "serving" in log.read_text(), timeout=STARTING, message="it is up")
        os.close(ours)
        assert daemon.wait(STOPPING) == 0
    finally:
        daemon.kill()
        daemon.wait()
    assert "the terminal was closed: stopping" in log.read_text()


# Standard input becomes the controlling terminal of the new session, as in a terminal's window.
IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

HANGS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from supervisor.signals import show_where_it_crashes, show_where_it_hangs
show_where_it_crashes()
def here():
    show_where_it_hangs(0.2)  # in here, for a busy machine may take that long to come here
    end = time.monotonic() + 1
    while time.monotonic() < end:
        pass
here()
"""


def test_it_tells_where_it_hangs() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGS, str(ROOT)], capture_output=True, text=True, check=True
    )
    assert "in here" in ended.stderr
