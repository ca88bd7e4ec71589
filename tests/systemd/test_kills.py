"""Processes of the service that are killed, stand still, or hang."""

from collections.abc import Callable

import psutil
import pytest

from tests.chaos.connection import LAST_INSTANTS, Ending
from tests.support.waiting import STARTING, Promise, wait_until
from tests.systemd.field import KILLED, Field
from tests.systemd.hang import bury, hung
from tests.systemd.service import DAEMON, HASTE, Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

WATCHDOG = 2  # seconds
ABORT = 3  # seconds from the watchdog's signal to the end by force; TimeoutAbortSec=
BACK = 10  # seconds in which a service is back; most of it is RestartSec=
WRITER_TIMEOUT = HASTE["BIRDWATCHER_WRITER_TIMEOUT"]


def begin(service: Service, field: Callable[[Service], Field]) -> Field:
    """Return the nodes around the running service."""
    nodes = field(service)
    service.start()
    under_way(nodes)
    return nodes


def under_way(nodes: Field) -> None:
    """Wait until all is well."""
    nodes.wait_until_connected()
    nodes.wait_for_traffic()


def end(service: Service, nodes: Field, *, restarts: int) -> None:
    """All goes on, and the books balance."""
    under_way(nodes)
    nodes.balance()
    assert service.show("NRestarts") == str(restarts)
    assert service.show("ActiveState") == "active"
    assert len(service.group()) == len(service.daemon.children()) + 1


def another_supervisor(service: Service, before: int) -> bool:
    """Whether the service has another main process."""
    bury(before)
    found = service.processes()
    return found is not None and found.pid != before


def another_writer(service: Service, before: int) -> bool:
    """Whether the daemon has another writer."""
    return service.daemon.writer() not in {before, None}


def test_killed_children(
    service: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    """The supervisor replaces them; the others notice nothing."""
    nodes = begin(service, field)
    connections, before = nodes.connections(), service.writer()
    psutil.Process(before).kill()
    promise("another writer", lambda: another_writer(service, before), within=5)
    assert nodes.connections() == connections

    detector, *others = nodes.detectors
    siblings = [it for other in others for it in other.open()]
    with nodes.doomed(detector):
        old = detector.open()
        psutil.Process(service.daemon.nodes()[detector.row].pid).kill()
        wait_until(
            lambda: all(it.ending is not Ending.OPEN for it in old),
            timeout=STARTING,
            message="it is disconnected",
        )
    promise("another node process", detector.open, within=5)
    assert [it for other in others for it in other.open()] == siblings
    end(service, nodes, restarts=0)


def test_stopped_behind_systemds_back(
    sqlite: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    """A stray SIGTERM has it end in order, and come back all the same."""
    nodes = begin(sqlite, field)
    before = sqlite.daemon.pid
    psutil.Process(before).terminate()
    promise("another daemon", lambda: another_supervisor(sqlite, before), within=BACK)
    end(sqlite, nodes, restarts=1)


def test_stopped_writer(
    sqlite: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    nodes = begin(sqlite, field)
    connections, before = nodes.connections(), sqlite.writer()
    psutil.Process(before).suspend()
    what = "another writer after SIGSTOP"
    promise(what, lambda: another_writer(sqlite, before), within=WRITER_TIMEOUT + 5)
    assert nodes.connections() == connections
    end(sqlite, nodes, restarts=0)


def test_killed_supervisor(
    sqlite: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    """Alone, and then together with all its processes."""
    nodes = begin(sqlite, field)
    first = sqlite.daemon.pid
    psutil.Process(first).kill()
    promise("another supervisor", lambda: another_supervisor(sqlite, first), within=BACK)
    under_way(nodes)

    second = sqlite.daemon.pid
    for detector in nodes.detectors:
        nodes.load.call(lambda: detector.doom(KILLED, LAST_INSTANTS))  # noqa: B023
    sqlite.systemctl("kill", "--signal=KILL", "--kill-whom=all", DAEMON)
    for detector in nodes.detectors:
        nodes.load.call(detector.spare)
    promise("another daemon", lambda: another_supervisor(sqlite, second), within=BACK)
    end(sqlite, nodes, restarts=2)


def test_hung_supervisor(
    sqlite: Service, field: Callable[[Service], Field], promise: Promise
) -> None:
    """The watchdog notices; what the node processes have is not lost with it."""
    sqlite.drop_in(f"WatchdogSec={WATCHDOG}", f"TimeoutAbortSec={ABORT}")
    nodes = begin(sqlite, field)
    first = sqlite.daemon.pid
    psutil.Process(first).suspend()
    what = "another supervisor after SIGSTOP"
    within = WATCHDOG + ABORT + BACK
    promise(what, lambda: another_supervisor(sqlite, first), within=within)
    under_way(nodes)

    second = sqlite.daemon.pid
    what = "another supervisor after one that hung"
    with hung(second):
        promise(what, lambda: another_supervisor(sqlite, second), within=within)
    end(sqlite, nodes, restarts=2)
    assert sqlite.log().count("Watchdog timeout") == 2
