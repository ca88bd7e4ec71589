"""The database is away and a node sends as fast as it can: memory is bounded, nothing is lost."""

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from nodeproc.limits import MAX_EVENTS_PER_SECOND
from tests.chaos.books import Books, Tally
from tests.chaos.detector import Detector
from tests.chaos.faults.databases import locked, stopped
from tests.chaos.health import memory_of
from tests.chaos.load import Load
from tests.chaos.means import Means
from tests.chaos.pace import Pace
from tests.chaos.site import Site
from tests.chaos.storm import come_to_rest
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database
from tests.support.ports import PortBlock
from tests.support.waiting import wait_until

SPOOL_BYTES = 2 * 1024 * 1024
FILLING = 60.0  # seconds
STUCK = 3.0  # seconds in which not one byte more is taken from the node

# Mebibytes that all of the daemon's processes together may have beyond what they have at rest. With
# SQLite, 64 of them are its page cache; most of the others are the writer's largest transaction.
GROWTH = 128.0


class Gauge:
    """Watches the daemon's memory, in a thread of its own."""

    def __init__(self, daemon: Daemon) -> None:
        self.highest = 0.0
        self._daemon = daemon
        self._enough = threading.Event()

    def _watch(self) -> None:
        while not self._enough.wait(0.1):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.highest = max(self.highest, memory_of(self._daemon))

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch for as long as the block takes."""
        thread = threading.Thread(target=self._watch, name="gauge", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._enough.set()
            thread.join()


@pytest.fixture
def detectors(ports: PortBlock, seed: int) -> list[Detector]:
    """One node, which is in a hurry."""
    return [Detector(0, "127.0.0.1", (ports.take(), ports.take()), Pace.FLOOD, seed=seed)]


def wait_until_held_back(load: Load) -> None:
    """Wait until nothing more is taken from the node."""
    (connection,) = load.detectors[0].open()
    handed, since = -1, 0.0

    def held_back() -> bool:
        nonlocal handed, since
        if connection.handed != handed:
            handed, since = connection.handed, time.monotonic()
        return time.monotonic() - since > STUCK

    wait_until(held_back, timeout=FILLING, message="the node is held back")


@pytest.mark.timeout(300)
def test_a_flood_without_a_database(
    frail_database: Database,
    load: Load,
    means: Means,
    seed: int,
    start_daemon: Callable[..., Daemon],
) -> None:
    def start(database: Database) -> Daemon:
        limits = {
            "BIRDWATCHER_SPOOL_BYTES": str(SPOOL_BYTES),
            "BIRDWATCHER_MAX_EVENTS_PER_SECOND": str(MAX_EVENTS_PER_SECOND),  # as good as none
        }
        return start_daemon(database, up=False, **limits)

    site = Site(frail_database, load, means, start, seed)
    load.hush()
    site.add_nodes()
    site.start()
    site.wait_until_whole()
    say = functools.partial(print, flush=True)
    at_rest = memory_of(site.daemon)
    gauge = Gauge(site.daemon)
    away = locked if frail_database.vendor == SQLITE else stopped
    with gauge.watching():
        with away(site):
            load.speak()
            wait_until_held_back(load)
        outcome = come_to_rest(site, Books([Tally("flood", times=1)]))
    say(outcome.books.table())
    say(f"{at_rest:.0f} MiB at rest, {gauge.highest:.0f} MiB at most")
    assert not outcome.complaints, "\n".join(outcome.complaints)
    assert len(load.detectors[0].connections) == 1
    assert outcome.books.tallies[0].committed > SPOOL_BYTES // 200
    assert gauge.highest - at_rest < GROWTH
