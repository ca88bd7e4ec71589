"""A thousand connect/disconnect cycles of each node leave everything bounded: the short soak."""

from collections.abc import Callable

import pytest

from tests.soak.field import Field
from tests.soak.soak import Soak
from tests.soak.table import table
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database

NODES = 4
CYCLES = 1000  # of each node
WARM_UP = 200
ROUNDS = 4


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
@pytest.mark.xdist_group("soak")
@pytest.mark.timeout(600)
def test_thousand_cycles_leave_everything_bounded(
    database: Database,
    make_field: Callable[..., Field],
    hasty_daemon: Callable[[Database], Daemon],
) -> None:
    field = make_field(NODES, only_close=True)
    daemon = hasty_daemon(database)
    soak = Soak(daemon, database, field)
    for goal in (WARM_UP, *(WARM_UP + CYCLES * (n + 1) // ROUNDS for n in range(ROUNDS))):
        soak.blow_until(
            lambda: min(flapper.cycles for flapper in field.flappers) >= goal,  # noqa: B023
            timeout=120,
        )
    print(table(soak.calm, soak.storm))  # noqa: T201 shown beside a failure
    assert soak.complaints() == []
    assert daemon.stop() == 0
