"""A day in the life of the service: started, seen, reloaded, restarted, stopped, all under load."""

import re
import time
from collections.abc import Callable

import psutil
import pytest

from tests.support.waiting import stays_true, wait_until
from tests.systemd.field import FIRST_PORT, PACES, Field
from tests.systemd.service import DAEMON, HASTE, STATE, Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

NODES = len(PACES)
SHORT = HASTE["BIRDWATCHER_BACKOFF_CAP"]
STARTING = 8  # seconds that a start may take

# Seconds: the promise of the daemon, and what systemd and a busy machine add.
STOP_TIMEOUT, ENDING_BY_FORCE, BUSY = 4, 12, 10

# Prints for how long the last node is left alone, once that is more than the limit was before.
LONG_PAUSE = f"""
import time
from django.utils import timezone
from birdwatcher.nodes.models import NodeStatus
deadline, pause = time.monotonic() + 80, 0
while pause <= {SHORT} and time.monotonic() < deadline:
    time.sleep(0.1)
    at = NodeStatus.objects.get(node_id={NODES}).next_try
    pause = (at - timezone.now()).total_seconds() if at else 0
print(pause)
"""
COUNT_BIRDS = "from birdwatcher.birds.models import Bird; print(Bird.objects.count())"


def begin(service: Service, field: Callable[[Service], Field]) -> Field:
    """Return the nodes around the running service."""
    service.configure(BIRDWATCHER_STOP_TIMEOUT=STOP_TIMEOUT)
    nodes = field(service)
    service.start()
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    return nodes


def spools(service: Service) -> list[str]:
    """Return the names of the spools."""
    return [path.name for path in service.machine.path(f"{STATE}/spool").iterdir()]


def stops_in_time(service: Service) -> None:
    """Stop it; afterwards nobody is left."""
    started = time.monotonic()
    service.stop()
    assert time.monotonic() - started < STOP_TIMEOUT + ENDING_BY_FORCE + BUSY
    assert service.group() == []
    assert service.show("Result") == "success"


def test_what_the_operator_sees(sqlite: Service) -> None:
    ports = [str(FIRST_PORT + number) for number in range(NODES)]
    sqlite.machine.run("systemd-run", "--unit=nodes", "birdwatcher", "runnodes", *ports)
    sqlite.systemctl("start", "birdwatcher.target", DAEMON)
    sqlite.wait_for("StatusText", rf"{NODES} nodes, {NODES} connected.*")
    assert re.search(rf'Status: "{NODES} nodes, {NODES} connected', sqlite.status())

    ps = sqlite.machine.run("ps", "-eo", "args").stdout
    assert f"birdwatcher: supervisor {NODES} nodes, {NODES} connected" in ps
    assert "birdwatcher: writer ready (sqlite)" in ps
    assert f"birdwatcher: node 1 Moor 0 127.0.0.1:{FIRST_PORT} connected" in ps

    wait_until(lambda: int(sqlite.python(COUNT_BIRDS)) > 0, timeout=30, message="birds are stored")
    assert "serving the database (sqlite)" in sqlite.log()
    assert "Traceback" not in sqlite.log()


def test_restart_and_stop_without_its_database(
    service: Service, field: Callable[[Service], Field]
) -> None:
    """A restart costs nothing; nor does a stop when nothing can be committed, which takes no longer
    than it may, and keeps on disk what was received."""
    nodes = begin(service, field)
    before = service.daemon.pid
    service.systemctl("restart", DAEMON)
    assert service.daemon.pid != before
    nodes.wait_until_connected()

    with service.without_database():
        nodes.wait_for_traffic()
        stops_in_time(service)
        assert spools(service)
    service.start()
    nodes.balance()
    wait_until(lambda: not spools(service), timeout=30, message="the spools are empty again")
    assert "Traceback" not in service.log()


def test_stop_with_a_hung_node_process(sqlite: Service, field: Callable[[Service], Field]) -> None:
    nodes = begin(sqlite, field)
    hung = nodes.detectors[0]
    with nodes.doomed(hung):
        psutil.Process(sqlite.daemon.nodes()[hung.row].pid).suspend()
        stops_in_time(sqlite)
    sqlite.start()
    nodes.balance()


def test_reload(sqlite: Service, field: Callable[[Service], Field]) -> None:
    """Nobody is disconnected, no process replaced, and what can change at once does."""
    nodes = field(sqlite)
    *_, away = nodes.detectors
    nodes.load.call(away.refuse)
    sqlite.start()
    sqlite.wait_for("StatusText", rf"{NODES} nodes, {NODES - 1} connected, 1 backing off.*")
    connections, processes = nodes.connections(), sqlite.daemon.titles().keys()

    def nothing_happened() -> bool:
        nodes.wait_for_traffic()
        same = sqlite.daemon.titles().keys() == processes
        return same and nodes.connections() == connections

    sqlite.configure(BIRDWATCHER_BACKOFF_CAP=4, BIRDWATCHER_LOG_LEVEL="WARNING")
    sqlite.systemctl("reload", DAEMON)
    assert nothing_happened()
    assert float(sqlite.python(LONG_PAUSE)) > SHORT

    cursor = sqlite.cursor()
    sqlite.configure(BIRDWATCHER_BACKOFF_CAP="soon")
    sqlite.systemctl("reload", DAEMON, check=False)
    sqlite.wait_for_log("BIRDWATCHER_BACKOFF_CAP is 'soon'")
    said = sqlite.own_words(after=cursor)
    (complaint,) = [line for line in said if not re.search("rejected a packet|refused|spool", line)]
    assert "everything stays as it was" in complaint
    assert nothing_happened()

    sqlite.configure(BIRDWATCHER_BACKOFF_CAP=SHORT)
    sqlite.systemctl("reload", DAEMON)
    nodes.load.call(away.listen)
    nodes.wait_until_connected()
    # Since WARNING is the least that is logged, nothing tells of connecting any more.
    told = [line for line in sqlite.own_words(after=cursor) if "connected" in line]
    assert not told
    nodes.balance()


def test_start_without_its_database(postgresql: Service) -> None:
    """That is no failure: it waits, longer than any start may take otherwise, and says so.

    Nor does it hold up the machine's boot.
    """
    postgresql.drop_in(f"TimeoutStartSec={STARTING}")
    postgresql.systemctl("enable", "birdwatcher.target", DAEMON)
    with postgresql.without_database():
        postgresql.systemctl("stop", "multi-user.target")
        # Returns when it is reached.
        postgresql.systemctl("start", "multi-user.target")
        postgresql.wait_for("StatusText", "no database: .*")
        stays_true(
            lambda: postgresql.show("ActiveState") == "activating",
            seconds=STARTING * 1.5,
            message="it waits for its database",
        )
    postgresql.wait_for("ActiveState", "active")
    assert postgresql.show("NRestarts") == "0", postgresql.log()
    postgresql.wait_for("StatusText", f"{NODES} nodes, .*")
