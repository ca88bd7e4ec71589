"""Fixtures of the chaos tests: what can be broken, and the load."""

from __future__ import annotations

import contextlib
import functools
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chaos.detector import Detector
from tests.chaos.disk import SmallDisk
from tests.chaos.load import Load
from tests.chaos.means import Means
from tests.chaos.netns import Namespace
from tests.chaos.pace import Pace
from tests.support.daemon import Daemon
from tests.support.databases import POSTGRESQL, SQLITE, Database, Databases, django_in
from tests.support.fieldnode import FieldNode
from tests.support.ports import PortBlock
from tests.support.postgres import PostgresCluster
from tests.support.waiting import Promise

if TYPE_CHECKING:
    from tests.support.park import Park

# Minutes of a run with each database: half of what `make chaos` asks for; 0 for a short run.
MINUTES = float(os.environ.get("BIRDWATCHER_CHAOS_MINUTES", "0")) / 2
NODES = 20
ABROAD = 4  # of them in a network of their own

# Seconds: chaos has more to do than to wait for a database, or a node, that is away.
HASTE = {"BIRDWATCHER_STOP_TIMEOUT": "4", "BIRDWATCHER_BACKOFF_CAP": "1"}

DISK_MEGABYTES = 64 + int(64 * MINUTES)


@pytest.fixture
def park(
    database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    promise: Promise,
) -> Park:
    """A daemon, connected to one node that no test may disturb."""
    # Imports models, and this file is loaded before Django is set up.
    from tests.support.park import Park

    daemon = start_daemon(database, **HASTE)
    return Park(database, daemon, field_node, promise)


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed of everything random; `BIRDWATCHER_CHAOS_SEED` repeats a run."""
    given = os.environ.get("BIRDWATCHER_CHAOS_SEED")
    return int(given) if given else random.SystemRandom().randint(1, 999_999)


@pytest.fixture
def means() -> Means:
    """What may be broken; other fixtures add to it."""
    return Means()


@pytest.fixture
def start_daemon(start_daemon: Callable[..., Daemon]) -> Callable[..., Daemon]:
    """Start a daemon that reads on when a disk is full: here it is to be filled to its end."""
    return functools.partial(start_daemon, BIRDWATCHER_DISK_CRITICAL_BYTES="0")


@pytest.fixture
def small_state_dir(means: Means, tmp_path: Path) -> Iterator[Path]:
    """A state directory on a small disk, where one can be mounted."""
    state_dir = tmp_path / "state"
    state_dir.mkdir()
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            means.disk = SmallDisk(state_dir, DISK_MEGABYTES)
            stack.callback(means.disk.unmount)
        yield state_dir


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def frail_database(
    request: pytest.FixtureRequest, means: Means, databases: Databases, small_state_dir: Path
) -> Iterator[Database]:
    """A migrated, empty database of which everything may be broken."""
    if request.param == SQLITE:
        with databases.fresh(SQLITE, small_state_dir) as database:
            yield database
        return
    cluster: PostgresCluster = request.getfixturevalue("own_cluster")
    cluster.start()
    means.cluster = cluster
    database = Database(POSTGRESQL, cluster.url("birds"), small_state_dir)
    with django_in(database):
        yield database


@pytest.fixture
def detectors(means: Means, ports: PortBlock, seed: int) -> Iterator[list[Detector]]:
    """Nodes of every pace; some in a network of their own, where one can be made."""
    paces = [Pace.STEADY, Pace.BURSTS, Pace.SLOW, Pace.STEADY, Pace.TORN]

    def make(number: int, host: str, **options: object) -> Detector:
        pace = paces[number % len(paces)]
        return Detector(number, host, (ports.take(), ports.take()), pace, seed=seed, **options)

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            means.namespace = Namespace()
            stack.callback(means.namespace.remove)
        found = []
        for number in range(NODES):
            if means.namespace and number < ABROAD:
                abroad = means.namespace
                found.append(make(number, abroad.host, new_socket=abroad.make_socket))
            else:
                found.append(make(number, "127.0.0.1"))
        yield found


@pytest.fixture
def load(detectors: list[Detector]) -> Iterator[Load]:
    """The load, talking to whoever comes."""
    load = Load(detectors)
    load.start()
    yield load
    load.stop()
