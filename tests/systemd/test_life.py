"""A day in the life of the service: started, seen, reloaded, restarted, stopped, all under load."""

import re
import time
from collections.abc import Callable

import psutil
import pytest

from tests.support.waiting import stays_true, wait_until
from tests.systemd.field import PACES, Field
from tests.systemd.service import DAEMON, HASTE, STATE, Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

NODES = len(PACES)
SHORT = HASTE["BIRDWATCHER_BACKOFF_CAP"]

# Seconds: the promise of the daemon, and what systemd and a busy machine add.
STOP_TIMEOUT, ENDING_BY_FORCE, BUSY = 4, 12, 10

# Prints for how long the last node is left alone, as soon as that is more than the limit was before.
LONG_PAUSE = f"""
import time
from django.utils import timezone
from birdwatcher.nodes.models import NodeStatus
deadline, pause = time.monotonic() + 30, 0
while pause <= {SHORT} and time.monotonic() < deadline:
    time.sleep(0.1)
    at = NodeStatus.objects.get(node_id={NODES}).next_try
    pause = (at - timezone.now()).total_seconds() if at else 0
print(pause)
"""


@pytest.fixture
def running(service: Service, field: Callable[[Service], Field]) -> tuple[Service, Field]:
    """The service under load."""
    service.configure(BIRDWATCHER_STOP_TIMEOUT=STOP_TIMEOUT)
    nodes = field(service)
    service.start()
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    return service, nodes


def test_what_the_operator_sees(sqlite: Service) -> None:
    ports = [str(9001 + number) for number in range(NODES)]
    sqlite.machine.run("systemd-run", "--unit=nodes", "birdwatcher", "runnodes", *ports)
    sqlite.systemctl("start", "birdwatcher.target")
    sqlite.start()
    sqlite.wait_for("StatusText", rf"{NODES} nodes, {NODES} connected.*")
    assert re.search(rf'Status: "{NODES} nodes, {NODES} connected', sqlite.status())

    ps = sqlite.machine.run("ps", "-eo", "args").stdout
    assert f"birdwatcher: supervisor {NODES} nodes, {NODES} connected" in ps
    assert "birdwatcher: writer ready (sqlite)" in ps
    assert "birdwatcher: node 1 Moor 0 127.0.0.1:9001 connected" in ps

    count = "from birdwatcher.birds.models import Bird; print(Bird.objects.count())"
    wait_until(lambda: int(sqlite.python(count)) > 0, timeout=30, message="birds are stored")
    assert "serving the database (sqlite)" in sqlite.log()


def test_restart_under_load(running: tuple[Service, Field]) -> None:
    service, nodes = running
    before = service.daemon.pid
    service.systemctl("restart", DAEMON)
    assert service.daemon.pid != before
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    nodes.balance()
    assert "Traceback" not in service.log()


def test_reload_under_load(sqlite: Service, field: Callable[[Service], Field]) -> None:
    """Nobody is disconnected, no process replaced, and what can change at once does."""
    nodes = field(sqlite)
    nodes.load.call(nodes.detectors[-1].refuse)
    sqlite.start()
    sqlite.wait_for("StatusText", rf"{NODES} nodes, {NODES - 1} connected, 1 backing off.*")
    connections, titles = nodes.connections(), sqlite.daemon.titles()

    sqlite.configure(BIRDWATCHER_BACKOFF_CAP=30, BIRDWATCHER_LOG_LEVEL="WARNING")
    sqlite.systemctl("reload", DAEMON)
    nodes.wait_for_traffic()
    assert nodes.connections() == connections
    assert sqlite.daemon.titles().keys() == titles.keys()
    # Pauses grow beyond the old limit of half a second.
    assert float(sqlite.python(LONG_PAUSE)) > SHORT
    assert sqlite.show("ActiveState") == "active"

    sqlite.configure(BIRDWATCHER_BACKOFF_CAP=0.3)
    sqlite.systemctl("reload", DAEMON)
    # Since WARNING is the least that is logged, nothing tells of connecting any more.
    cursor = sqlite.cursor()
    nodes.load.call(nodes.detectors[-1].listen)
    nodes.wait_until_connected()
    nodes.balance()
    assert " INFO " not in sqlite.log(f"--after-cursor={cursor}")


def test_reload_of_a_mistake(sqlite: Service, field: Callable[[Service], Field]) -> None:
    """It is told in one line, and all goes on as before."""
    nodes = field(sqlite)
    sqlite.start()
    nodes.wait_until_connected()
    connections, cursor = nodes.connections(), sqlite.cursor()
    sqlite.configure(BIRDWATCHER_BACKOFF_CAP="soon")
    sqlite.systemctl("reload", DAEMON, check=False)
    sqlite.wait_for_log("BIRDWATCHER_BACKOFF_CAP")
    sqlite.wait_for("ActiveState", "active")
    said = sqlite.own_words(f"--after-cursor={cursor}")
    (line,) = [line for line in said if "rejected a packet" not in line]
    assert "everything stays as it was" in line
    nodes.wait_for_traffic()
    assert nodes.connections() == connections
    sqlite.configure(**HASTE)
    nodes.balance()


def test_stop_without_its_database(running: tuple[Service, Field]) -> None:
    """It ends in time, leaves nobody behind, and keeps on disk what it received."""
    service, nodes = running
    with service.without_database():
        nodes.wait_for_traffic()
        started = time.monotonic()
        service.stop()
        assert time.monotonic() - started < STOP_TIMEOUT + ENDING_BY_FORCE + BUSY
        assert service.sandbox() == []
        assert service.show("Result") == "success"
        assert list(service.machine.path(f"{STATE}/spool").iterdir())
    service.start()
    nodes.balance()
    wait_until(
        lambda: not list(service.machine.path(f"{STATE}/spool").iterdir()),
        timeout=30,
        message="the spools are empty again",
    )


def test_stop_with_a_hung_node_process(sqlite: Service, field: Callable[[Service], Field]) -> None:
    sqlite.configure(BIRDWATCHER_STOP_TIMEOUT=STOP_TIMEOUT)
    nodes = field(sqlite)
    sqlite.start()
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    hung = nodes.detectors[0]
    process = psutil.Process(sqlite.daemon.nodes()[hung.row].pid)
    with nodes.doomed(hung):
        process.suspend()
        started = time.monotonic()
        sqlite.stop()
    assert time.monotonic() - started < STOP_TIMEOUT + ENDING_BY_FORCE + BUSY
    assert sqlite.sandbox() == []
    sqlite.start()
    nodes.balance()


def test_start_without_its_database(postgresql: Service) -> None:
    """That is no failure: it waits, longer than any start may take otherwise, and says so."""
    postgresql.drop_in("TimeoutStartSec=5")
    with postgresql.without_database():
        postgresql.systemctl("start", "--no-block", DAEMON)
        postgresql.wait_for("StatusText", "no database: .*")
        stays_true(
            lambda: postgresql.show("ActiveState") == "activating",
            seconds=8,
            message="it waits for its database",
        )
    postgresql.wait_for("ActiveState", "active")
    assert postgresql.show("NRestarts") == "0"
    postgresql.wait_for("StatusText", f"{NODES} nodes, .*")
