"""Fixtures of the soak: nodes that flap, and a daemon in a hurry."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.ports import PortBlock
from tests.support.processes import Processes

# `make soak` sets it; without it the long soak is no test of this run at all.
MINUTES = "BIRDWATCHER_SOAK_MINUTES"
collect_ignore = [] if MINUTES in os.environ else ["test_long_soak.py"]

BACKOFF_CAP = "0.1"  # the least that the daemon allows


@pytest.fixture
def hasty_daemon(processes: Processes) -> Callable[[Database], Daemon]:
    """`hasty_daemon(database)`: start the daemon with shorter pauses, wait until it is up."""

    def start(database: Database) -> Daemon:
        env = database.env | {
            "DJANGO_SETTINGS_MODULE": "birdwatcher.settings",
            "BIRDWATCHER_BACKOFF_CAP": BACKOFF_CAP,
        }
        daemon = processes.python("-m", "tests.soak.quick", env=env, kind=Daemon)
        assert isinstance(daemon, Daemon)
        daemon.wait_until_up()
        return daemon

    return start


@pytest.fixture
def make_field(ports: PortBlock) -> Iterator[Callable[..., "Field"]]:  # noqa: F821
    """`make_field(count, only_close=False)`: so many flapping nodes, and their rows."""
    # Imports models, and this file is loaded before Django is set up.
    from tests.soak.field import Field
    from tests.soak.flapper import Flapper

    fields = []

    def make(count: int, *, only_close: bool = False) -> Field:
        flappers = [Flapper(ports.take(), seed, only_close=only_close) for seed in range(count)]
        fields.append(Field(flappers))
        return fields[-1]

    yield make
    for field in fields:
        field.close()
