"""Faults in a random order for a while, then calm, then the books."""

import contextlib
import dataclasses
import random
import time
from collections.abc import Callable, Iterator, Sequence

from django.db import connection

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import NodeStatus
from tests.chaos.books import Books, Counts, Tally
from tests.chaos.detector import Detector
from tests.chaos.faults.fault import Fault
from tests.chaos.health import complaints_about, memory_of
from tests.chaos.site import Site
from tests.support.packets import Sighting
from tests.support.waiting import DeadlineMissedError, wait_until

BETWEEN = (0.0, 0.5)  # seconds from the end of one fault to the beginning of the next
CALM = 0.4  # how often a fault begins when all is well
QUIET = 1.0  # seconds without a new bird
SETTLING = 120.0  # seconds for everything to reach the database when the faults are over


@dataclasses.dataclass
class Outcome:
    """What a storm came to."""

    books: Books
    complaints: list[str]
    memory: float  # of the daemon, mebibytes


def blow(
    site: Site, faults: Sequence[Fault], seconds: float, say: Callable[[str], None]
) -> Outcome:
    """Inject faults for so long, and each of them once at the least; let everything come to rest,
    balance the books.

    `say` is called with what is done when.
    """
    tallies = [Tally("no fault"), *(Tally(fault.name) for fault in faults)]
    began = time.monotonic()
    site.wait_until_whole()
    for count, label in enumerate(_endless(len(faults), site.random)):
        fault, tally = faults[label - 1], tallies[label]
        if (now := time.monotonic() - began) > seconds and count >= len(faults):
            break
        say(f"{now:7.2f} {fault.name}")
        tally.times += 1
        site.label = label
        site.load.label(label)
        fault.inject(site)
        # Otherwise the next fault may find the daemon still busy with this one.
        if site.random.random() < CALM:
            site.wait_until_whole()
        site.pause(*BETWEEN)
    return come_to_rest(site, Books(tallies))


def _endless(count: int, random: random.Random) -> Iterator[int]:
    """Yield labels, 1 to `count`: all of them in a random order, and again."""
    while True:
        yield from random.sample(range(1, count + 1), count)


def come_to_rest(site: Site, books: Books) -> Outcome:
    """Have all that was sent committed, stop the daemon, balance the books."""
    site.load.label(0)
    site.wait_until_whole()
    site.load.hush()
    site.load.wait_until_all_is_read(SETTLING)
    _wait_until_quiet(site)
    complaints, memory = complaints_about(site.daemon), memory_of(site.daemon)
    if code := site.daemon.stop():
        complaints.append(f"the last daemon ended with exit code {code}")
    complaints += _traces(site)
    for detector in site.load.detectors:
        books.balance(detector, _rows(detector), _counts(detector))
    connection.close()
    return Outcome(books, complaints + books.complaints, memory)


def _traces(site: Site) -> list[str]:
    """Return what the daemons left behind and should not have."""
    spools = site.database.state_dir / "spool"
    left = [path.name for path in spools.iterdir()] if spools.exists() else []
    return [
        *(f"{daemon}: a traceback" for daemon in site.daemons if "Traceback" in daemon.text()),
        *(f"left in the spool directory: {name}" for name in left),
    ]


def _wait_until_quiet(site: Site) -> None:
    """Wait until all that is due has reached the database, and nothing more does.

    If it never comes, the books will tell what is missing.
    """
    due = sum(it.due() for detector in site.load.detectors for it in detector.connections)
    seen: list[tuple[float, int]] = []

    def quiet() -> bool:
        seen.append((time.monotonic(), Bird.objects.count()))
        before = [count for at, count in seen if at <= time.monotonic() - QUIET]
        return bool(before) and before[-1] == seen[-1][1] >= due

    with contextlib.suppress(DeadlineMissedError):
        wait_until(quiet, timeout=SETTLING, message="the database comes to rest")


def _rows(detector: Detector) -> Iterator[Sighting]:
    rows = Bird.objects.filter(node_id=detector.row).order_by()
    for row in rows.values_list("timestamp", "species__name", "name").iterator(10_000):
        yield Sighting(*row)


def _counts(detector: Detector) -> Counts:
    status = NodeStatus.objects.get(node_id=detector.row)
    return Counts(status.events, status.rejected)
