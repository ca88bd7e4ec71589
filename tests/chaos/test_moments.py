"""The writer or the supervisor dies at the worst moments there are: nothing lost, nothing twice."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.chaos.trapped import MOMENTS, TRAP, VICTIMS, set_trap
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.park import Park, Station
from tests.support.processes import Processes, is_alive
from tests.support.waiting import Promise, wait_until

DYING = 20.0  # seconds
IDLE = "idle"


def start_trapped(database: Database, processes: Processes) -> Daemon:
    env = database.env | {"DJANGO_SETTINGS_MODULE": "birdwatcher.settings"}
    daemon = processes.python("-m", "tests.chaos.trapped", env=env, kind=Daemon)
    assert isinstance(daemon, Daemon)
    daemon.wait_until_up()
    return daemon


@pytest.fixture
def trapped_park(
    database: Database,
    processes: Processes,
    field_node: Callable[..., FieldNode],
    promise: Promise,
) -> Park:
    """A daemon whose writer walks into traps."""
    return Park(database, start_trapped(database, processes), field_node, promise)


def kill_at(moment: str, victim: str, park: Park, station: Station) -> None:
    """Kill the writer or the supervisor while events are coming; wait until it is dead."""
    pid = park.daemon.writer() if victim == "writer" else park.daemon.pid
    assert pid is not None
    if moment == IDLE:
        os.kill(pid, signal.SIGKILL)
    else:
        set_trap(park.database.state_dir, victim, moment)
        # So few bytes are read at once: when the first event is being committed, all are received.
        station.field.send(20)
    if victim == "supervisor":
        assert park.daemon.wait(DYING) == -signal.SIGKILL
    wait_until(lambda: not is_alive(pid), timeout=DYING, message=f"the {victim} is dead")
    assert not (park.database.state_dir / TRAP).exists()


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("moment", [IDLE, *MOMENTS])
def test_death(trapped_park: Park, processes: Processes, moment: str, victim: str) -> None:
    station = trapped_park.add("Dartmoor")
    station.field.send(20)
    station.wait_for_birds()
    kill_at(moment, victim, trapped_park, station)
    if victim == "supervisor":
        trapped_park.daemon = start_trapped(trapped_park.database, processes)
    trapped_park.wait_until_connected(station)
    station.field.send(20)
    station.wait_for_birds()
    assert "Traceback" not in trapped_park.daemon.text()
    assert trapped_park.daemon.stop() == 0
    # Also what a stop commits is not committed twice.
    station.wait_for_birds()
