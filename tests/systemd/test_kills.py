"""Processes of the service that are killed, stand still, or hang."""

import signal
from collections.abc import Callable

import psutil
import pytest

from tests.chaos.connection import LAST_INSTANTS
from tests.support.waiting import Promise, wait_until
from tests.systemd.field import KILLED, Field
from tests.systemd.hang import bury, hung
from tests.systemd.service import DAEMON, HASTE, Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

WATCHDOG = 4  # seconds
ABORT = 5  # seconds from the watchdog's signal to the end by force; TimeoutAbortSec=
WRITER_TIMEOUT = HASTE["BIRDWATCHER_WRITER_TIMEOUT"]

KILL, STOP = signal.SIGKILL, signal.SIGSTOP


def begin(service: Service, field: Callable[[Service], Field]) -> Field:
    """Return the nodes around the running service."""
    service.drop_in(f"WatchdogSec={WATCHDOG}")
    nodes = field(service)
    service.start()
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    return nodes


def end(service: Service, nodes: Field, *, restarts: int) -> None:
    """All goes on, and the books balance."""
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    nodes.balance()
    assert service.show("NRestarts") == str(restarts)
    assert service.show("ActiveState") == "active"
    assert len(service.group()) == len(service.daemon.children()) + 1


def another_supervisor(service: Service, before: int) -> bool:
    """Whether the service has another main process."""
    bury(before)
    found = service.processes()
    return found is not None and found.pid != before


def test_killed_supervisor(
    sqlite: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    nodes = begin(sqlite, field)
    before = sqlite.daemon.pid
    psutil.Process(before).kill()
    what = "another supervisor after SIGKILL"
    promise(what, lambda: another_supervisor(sqlite, before), within=10)
    end(sqlite, nodes, restarts=1)


def test_hung_supervisor(
    sqlite: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    """The watchdog notices; what the node processes have is not lost with it."""
    nodes = begin(sqlite, field)
    before = sqlite.daemon.pid
    what = "another supervisor after it hung"
    with hung(before):
        within = WATCHDOG + ABORT + 10
        promise(what, lambda: another_supervisor(sqlite, before), within=within)
    end(sqlite, nodes, restarts=1)
    assert "Watchdog timeout" in sqlite.log()


def test_stopped_supervisor(
    sqlite: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    nodes = begin(sqlite, field)
    before = sqlite.daemon.pid
    psutil.Process(before).suspend()
    what = "another supervisor after SIGSTOP"
    within = WATCHDOG + ABORT + 10
    promise(what, lambda: another_supervisor(sqlite, before), within=within)
    end(sqlite, nodes, restarts=1)


@pytest.mark.parametrize(("number", "after"), [(KILL, 0), (STOP, WRITER_TIMEOUT)])
def test_writer(
    sqlite: Service,
    field: Callable[[Service], Field],
    promise: Promise,
    number: signal.Signals,
    after: float,
) -> None:
    replace_writer(sqlite, begin(sqlite, field), promise, number, after)


def test_killed_writer_on_postgresql(
    postgresql: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    replace_writer(postgresql, begin(postgresql, field), promise, KILL, 0)


def replace_writer(
    service: Service, nodes: Field, promise: Promise, number: signal.Signals, after: float
) -> None:
    """The supervisor replaces it; nobody is disconnected."""
    connections, before = nodes.connections(), service.writer()
    psutil.Process(before).send_signal(number)
    promise(
        f"another writer after {number.name}",
        lambda: service.daemon.writer() not in {before, None},
        within=after + 5,
    )
    assert nodes.connections() == connections
    end(service, nodes, restarts=0)


def test_node_process(sqlite: Service, field: Callable[[Service], Field], promise: Promise) -> None:
    """It is started again; its siblings notice nothing."""
    nodes = begin(sqlite, field)
    detector, *others = nodes.detectors
    siblings = [it for other in others for it in other.open()]
    before = sqlite.daemon.nodes()[detector.row].pid
    with nodes.doomed(detector):
        psutil.Process(before).kill()
        wait_until(lambda: not detector.open(), timeout=10, message="it is disconnected")
    promise("another node process", detector.open, within=5)
    assert [it for other in others for it in other.open()] == siblings
    end(sqlite, nodes, restarts=0)


def test_everything_at_once(
    sqlite: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    nodes = begin(sqlite, field)
    before = sqlite.daemon.pid
    for detector in nodes.detectors:
        nodes.load.call(lambda: detector.doom(KILLED, LAST_INSTANTS))  # noqa: B023
    sqlite.systemctl("kill", "--signal=KILL", "--kill-whom=all", DAEMON)
    for detector in nodes.detectors:
        nodes.load.call(detector.spare)
    what = "another supervisor after all was killed"
    promise(what, lambda: another_supervisor(sqlite, before), within=10)
    end(sqlite, nodes, restarts=1)
