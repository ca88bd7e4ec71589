"""Everything that can break, breaks, in a random order, while events keep coming.

A short run, with each fault once, is part of all tests; `make chaos MINUTES=30` is a long one. What
happened is printed, with the seed that repeats the order of the faults; not their timing to the
microsecond, which is the machine's.
"""

import functools
from collections.abc import Callable, Sequence

import pytest

from tests.chaos.conftest import HASTE, MINUTES
from tests.chaos.connection import LAST_INSTANTS
from tests.chaos.faults import FAULTS, databases
from tests.chaos.faults.fault import Fault
from tests.chaos.faults.network import LONG_FAULTS
from tests.chaos.load import Load
from tests.chaos.means import Means
from tests.chaos.site import Site
from tests.chaos.storm import blow
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database

LONG = 5.0  # minutes
LEGEND = f"""\
unread: sent, and cut off with its connection before the daemon read it
lost: read by a process within the {LAST_INSTANTS:g} s before it was killed itself"""
STARTING_AND_SETTLING = 400.0  # seconds


def half(site: Site, seed: int) -> Sequence[Fault]:
    """Return what breaks a database, and every other one of the other faults.

    With the same seed, the rest of them belongs to the other kind of database.
    """
    others = [fault for fault in FAULTS if fault not in databases.FAULTS]
    return [*databases.FAULTS, *others[(seed + (site.database.vendor == SQLITE)) % 2 :: 2]]


@pytest.mark.timeout(60 * MINUTES + STARTING_AND_SETTLING)
@pytest.mark.xdist_group("chaos")
def test_nothing_is_lost_and_nothing_doubled(
    frail_database: Database,
    load: Load,
    means: Means,
    seed: int,
    start_daemon: Callable[..., Daemon],
) -> None:
    def start(database: Database) -> Daemon:
        return start_daemon(database, up=False, **HASTE)

    site = Site(frail_database, load, means, start, seed)
    site.add_nodes()
    site.start()
    faults = [*FAULTS, *LONG_FAULTS] if MINUTES >= LONG else FAULTS if MINUTES else half(site, seed)
    possible = [fault for fault in faults if fault.lacks(site) is None]
    say = functools.partial(print, flush=True)
    say(f"\n{frail_database.vendor}: BIRDWATCHER_CHAOS_SEED={seed}")
    outcome = blow(site, possible, 60 * MINUTES, say)
    say(f"{outcome.books.table()}\n{LEGEND}")
    say(f"memory of the daemon at the end: {outcome.memory:.0f} MiB")
    for fault in faults:
        if reason := fault.lacks(site):
            say(f"left out: {fault.name}: {reason}")
    assert not outcome.complaints, "\n".join(outcome.complaints)
