"""Processes of the service that are killed, or stand still."""

import signal
from collections.abc import Callable

import psutil
import pytest

from tests.support.waiting import Promise, wait_until
from tests.systemd.field import Field
from tests.systemd.service import Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

WATCHDOG = 4  # seconds
WRITER_TIMEOUT = 10  # seconds, see conftest.HASTE

KILL, STOP = signal.SIGKILL, signal.SIGSTOP


@pytest.fixture
def nodes(sqlite: Service, field: Callable[[Service], Field]) -> Field:
    """The nodes around the running service."""
    sqlite.drop_in(f"WatchdogSec={WATCHDOG}")
    return begin(sqlite, field)


def begin(service: Service, field: Callable[[Service], Field]) -> Field:
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
    assert len(service.sandbox()) == len(service.daemon.children()) + 1


@pytest.mark.parametrize(("number", "after"), [(KILL, 0.0), (STOP, WATCHDOG)])
def test_supervisor(
    sqlite: Service, nodes: Field, promise: Promise, number: signal.Signals, after: float
) -> None:
    """Killed, or stopped, in which state it hears no other signal: systemd replaces it."""
    before = sqlite.daemon.pid
    psutil.Process(before).send_signal(number)
    promise(
        f"another supervisor after {number.name}",
        lambda: (found := sqlite.processes()) and found.pid != before,
        within=after + 10,
    )
    end(sqlite, nodes, restarts=1)
    if number == STOP:
        assert "Watchdog timeout" in sqlite.log()


@pytest.mark.parametrize(("number", "after"), [(KILL, 0.0), (STOP, WRITER_TIMEOUT)])
def test_writer(
    service: Service,
    field: Callable[[Service], Field],
    promise: Promise,
    number: signal.Signals,
    after: float,
) -> None:
    """The supervisor replaces it; nobody is disconnected."""
    nodes = begin(service, field)
    connections, before = nodes.connections(), service.writer()
    psutil.Process(before).send_signal(number)
    promise(
        f"another writer after {number.name}",
        lambda: service.daemon.writer() not in {before, None},
        within=after + 5,
    )
    assert nodes.connections() == connections
    end(service, nodes, restarts=0)


def test_node_process(sqlite: Service, nodes: Field, promise: Promise) -> None:
    """It is started again; its siblings notice nothing."""
    detector, *others = nodes.detectors
    siblings = [it for it in nodes.connections() if it not in detector.connections]
    before = sqlite.daemon.nodes()[detector.row].pid
    with nodes.doomed(detector):
        psutil.Process(before).kill()
        wait_until(lambda: not detector.open(), timeout=10, message="it is disconnected")
    promise("another node process", detector.open, within=5)
    assert [it for other in others for it in other.open()] == siblings
    end(sqlite, nodes, restarts=0)


def test_everything_at_once(sqlite: Service, nodes: Field, promise: Promise) -> None:
    """As when the machine's memory runs out altogether."""
    before = sqlite.daemon.pid
    for detector in nodes.detectors:
        nodes.load.call(lambda: detector.doom(1, 3.0))  # noqa: B023
    sqlite.systemctl("kill", "--signal=KILL", "--kill-whom=all", "birdwatcher.service")
    for detector in nodes.detectors:
        nodes.load.call(detector.spare)
    promise(
        "another supervisor after all was killed",
        lambda: (found := sqlite.processes()) and found.pid != before,
        within=10,
    )
    end(sqlite, nodes, restarts=1)
