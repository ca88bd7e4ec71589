"""The writer or the supervisor dies at the worst moments there are: nothing lost, nothing twice."""

import os
import signal
from collections.abc import Callable

import pytest

from birdwatcher.birds import set_aside
from birdwatcher.birds.models import NewSpecies, SetAsideEvent
from tests.chaos.trapped import MOMENTS, TRAP, VICTIMS, set_trap
from tests.support.counted import counts_agree
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


@pytest.mark.parametrize("moment", MOMENTS)
def test_death_while_what_was_set_aside_becomes_birds(trapped_park: Park, moment: str) -> None:
    station = trapped_park.add("Dartmoor")
    station.change(new_species_a_day=0)
    station.field.send(20)
    waiting = SetAsideEvent.objects.filter(node=station.node)
    wait_until(lambda: waiting.count() == 20, timeout=DYING, message="all is set aside")
    pid = trapped_park.daemon.writer()
    assert pid is not None
    set_trap(trapped_park.database.state_dir, "writer", moment)
    assert set_aside.decide(station.node, "adopt", set_aside.newest_of(station.node))
    wait_until(lambda: not is_alive(pid), timeout=DYING, message="the writer is dead")
    assert waiting.count() == (20 if moment == "before the commit" else 0)
    station.wait_for_birds()
    wait_until(
        lambda: NewSpecies.objects.get(node=station.node).wish == "",
        timeout=DYING,
        message="the wish is carried out",
    )
    assert not waiting.exists()
    station.field.send(20)
    station.wait_for_birds()
    counts_agree()
    assert trapped_park.daemon.stop() == 0
