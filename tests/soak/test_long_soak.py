"""The long soak, which `make soak MINUTES=10 DATABASE=sqlite` asks for.

Thirty nodes come and go in every way that a node can, ten of them are killed, renamed, moved and
replaced as well, and the writer is killed now and then, in the first half. Prints the counts, and
fails if anything is not flat.
"""

import os
import time
from collections.abc import Callable

import pytest

from tests.soak.conftest import MINUTES
from tests.soak.field import Field
from tests.soak.gardener import Gardener
from tests.soak.soak import Soak
from tests.soak.table import table
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.ports import PortBlock

NODES = 30
ROUNDS = 10  # or as many minutes as there are, if those are more
SECONDS = 60 * float(os.environ[MINUTES])
ROUND = SECONDS / max(ROUNDS, SECONDS // 60)
DATABASE = os.environ.get("BIRDWATCHER_SOAK_DATABASE") or "sqlite"
# What a cycle takes in the field, at the daemon's own pauses: from an eighth of a second to three.
USUAL_CYCLE = 1.6


@pytest.mark.parametrize("database", [DATABASE], indirect=True)
@pytest.mark.timeout(2 * SECONDS + 600)
def test_hours_of_flapping_leave_everything_flat(
    database: Database,
    make_field: Callable[..., Field],
    hasty_daemon: Callable[[Database], Daemon],
    ports: PortBlock,
) -> None:
    field = make_field(NODES)
    daemon = hasty_daemon(database)
    gardener = Gardener(field, daemon, ports, seed=1)
    soak = Soak(daemon, database, field, gardener.turn)
    end = time.monotonic() + SECONDS
    while (began := time.monotonic()) < end:
        gardener.kills_writer = began < end - SECONDS / 2
        soak.blow_until(lambda: time.monotonic() > began + ROUND, timeout=2 * ROUND + 60)
        say(f"{(end - time.monotonic()) / 60:5.1f} min to go, {field.cycles} cycles")
    hours = field.cycles / NODES * USUAL_CYCLE / 3600
    say(f"\n{database.vendor}: {field.cycles} cycles of {NODES} nodes, {gardener.deeds} deeds")
    say(f"as many as in {hours:.1f} hours at the daemon's usual pauses\n")
    say(table(soak.calm, soak.storm))
    complaints = soak.complaints(killed=gardener.killed)
    say("\n".join(["", *complaints]) if complaints else "\nAll of it is flat.")
    assert not complaints
    assert daemon.stop() == 0


def say(line: str) -> None:
    """Tell whoever waits."""
    print(line, flush=True)  # noqa: T201
