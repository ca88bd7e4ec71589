"""The spool is torn, has no room, may not be written, is replayed by processes that die."""

import bisect
import contextlib
import itertools
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from birdwatcher.birds.models import Bird
from birdwatcher.writer.spools import survey
from nodeproc.delivery.directory import spooled
from nodeproc.delivery.spoolfile import spool_path
from nodeproc.wire.subjects import Origin, Subject
from tests.chaos.disk import SmallDisk
from tests.support import requirements
from tests.support.books import stored
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database
from tests.support.outage import write_locked
from tests.support.packets import encode
from tests.support.park import Park, Station
from tests.support.sockets import unread_bytes
from tests.support.waiting import wait_until

SPOOLING = 15.0  # seconds: it begins after two
ENDING = 20.0
COMMITTING = 60.0

DISK_MEGABYTES = 1


def spool_of(park: Park, station: Station) -> Path:
    return spool_path(park.database.state_dir / "spool", Origin(Subject.NODES, station.id))


def wait_until_read(station: Station) -> None:
    wait_until(
        lambda: not unread_bytes(station.field.port), timeout=SPOOLING, message="all is read"
    )


def wait_until_spooled(park: Park, station: Station) -> None:
    """Wait until everything sent is read and in the spool."""
    wait_until_read(station)
    path = spool_of(park, station)
    last = f"{station.field.sent[-1].name}".encode()
    wait_until(
        lambda: path.exists() and last in path.read_bytes(),
        timeout=SPOOLING,
        message="the last event is spooled",
    )


def wait_until_nothing_waits(park: Park) -> None:
    wait_until(
        lambda: not spooled(park.database.state_dir / "spool"),
        timeout=ENDING,
        message="no spool is left",
    )


def everything_is_there(station: Station) -> None:
    """Wait until the database holds all that was sent; thousands of birds, so not by searching."""
    birds = Bird.objects.filter(node=station.node)
    sent = sorted(station.field.sent)
    wait_until(
        lambda: birds.count() >= len(sent),
        timeout=COMMITTING,
        message=lambda: f"{len(sent)} birds, there are {birds.count()}",
    )
    assert stored(station.id) == sent


def kill_supervisor(park: Park) -> None:
    """Kill it and wait for the end of all that was its."""
    children = park.daemon.children()
    park.daemon.send(signal.SIGKILL)
    park.daemon.wait()
    wait_until(
        lambda: not any(child.is_running() and child.status() != "zombie" for child in children),
        timeout=ENDING,
        message="its children have ended",
    )


def stop_with_a_spool(park: Park, station: Station, count: int) -> Path:
    with write_locked(park.database):
        station.field.send(count)
        wait_until_spooled(park, station)
        assert park.daemon.stop() == 0
    return spool_of(park, station)


@pytest.mark.parametrize("torn", [b"\x07", bytes(4096)], ids=len)
@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_torn_last_record_is_ignored(
    park: Park, start_daemon: Callable[..., Daemon], torn: bytes
) -> None:
    station = park.add("Dartmoor")
    with stop_with_a_spool(park, station, 100).open("ab") as spool:
        spool.write(torn)
    daemon = start_daemon(park.database)
    daemon.wait_for_line(f"Dartmoor.* {len(torn)} bytes of its spool are damaged")
    wait_until(station.field.connected, timeout=ENDING, message="connected")
    station.field.send(20)
    station.wait_for_birds()
    wait_until_nothing_waits(park)


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_a_spool_that_lost_its_end_keeps_its_beginning(
    park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    station = park.add("Dartmoor")
    with write_locked(park.database):
        station.field.send(100)
        wait_until_spooled(park, station)
        station.field.send(1)
        wait_until_spooled(park, station)
        assert park.daemon.stop() == 0
    path = spool_of(park, station)
    # What is cut may be the report that the node was stopped, or half of that and the last event.
    cut = path.stat().st_size - path.read_bytes().index(station.field.sent[-1].name.encode())
    os.truncate(path, path.stat().st_size - cut)
    start_daemon(park.database)
    wait_until_nothing_waits(park)
    assert stored(station.id) == sorted(station.field.sent[:-1])


def test_streams_of_several_processes_follow_each_other(
    park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    """Each process killed during the outage leaves its spool to the next one."""
    station = park.add("Dartmoor")
    with write_locked(park.database):
        for _ in range(3):
            station.field.send(50)
            wait_until_spooled(park, station)
            kill_node_process(park, station)
        station.field.send(50)
        wait_until_spooled(park, station)
        kill_supervisor(park)
    park.daemon = start_daemon(park.database)
    park.wait_until_connected(station)
    station.field.send(50)
    station.wait_for_birds()
    wait_until_nothing_waits(park)
    assert "Traceback" not in park.daemon.text()


def kill_node_process(park: Park, station: Station) -> None:
    """Kill it and wait until the next one is connected."""
    killed = park.daemon.nodes()[station.id].pid
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: park.daemon.connected_anew(station.id, killed),
        timeout=ENDING,
        message="the next process is connected",
    )
    wait_until(station.field.connected, timeout=ENDING, message="to the node")


def test_replay_is_interrupted(park: Park, start_daemon: Callable[..., Daemon]) -> None:
    """Before, in the middle of, after a transaction: whenever it happens to be."""
    station = park.add("Dartmoor")
    with write_locked(park.database):
        for _ in range(400):  # as many records
            station.field.send(20)
        wait_until_spooled(park, station)
        assert park.daemon.stop() == 0
    park.daemon = start_daemon(park.database)
    for victim in ("writer", "node", "supervisor", "writer", "supervisor", "node"):
        time.sleep(random.uniform(0.0, 0.5))  # noqa: S311 nothing secret
        interrupt(park, station, victim, start_daemon)
    everything_is_there(station)
    wait_until_nothing_waits(park)
    # Nothing comes a second time.
    assert park.daemon.stop() == 0
    everything_is_there(station)
    assert "Traceback" not in park.daemon.text()


def interrupt(
    park: Park, station: Station, victim: str, start_daemon: Callable[..., Daemon]
) -> None:
    """Kill `victim`, if it is there, and see to it that there is another."""
    if victim == "supervisor":
        kill_supervisor(park)
        park.daemon = start_daemon(park.database)
        return
    process = park.daemon.nodes().get(station.id)
    if pid := park.daemon.writer() if victim == "writer" else process and process.pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def small_spool_disk(database: Database) -> Iterator[SmallDisk]:
    """A disk for nothing but the spools; to be asked for before the daemon is started."""
    directory = database.state_dir / "spool"
    try:
        disk = SmallDisk(directory, DISK_MEGABYTES)
    except OSError as error:
        requirements.left_out("mount", str(error))
    yield disk
    disk.unmount()


def test_a_full_disk_is_said_and_made_up_for(
    small_spool_disk: SmallDisk, park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    station = park.add("Dartmoor")
    with write_locked(park.database):
        with small_spool_disk.full():
            station.field.send(100)
            park.daemon.wait_for_line(r"Dartmoor.*cannot spool: no space left on device")
            # The stream goes on, in memory.
            station.field.send(100)
            wait_until_read(station)
            assert station.field.connected()
        station.field.send(100)
        wait_until_spooled(park, station)
        kill_supervisor(park)
    start_daemon(park.database)
    station.wait_for_birds()
    wait_until_nothing_waits(park)


def test_a_read_only_directory_is_said(small_spool_disk: SmallDisk, park: Park) -> None:
    station = park.add("Dartmoor")
    with write_locked(park.database), small_spool_disk.read_only():
        station.field.send(100)
        park.daemon.wait_for_line(r"Dartmoor.*cannot spool: read-only file system")
        station.field.send(100)
        wait_until_read(station)
        assert station.field.connected()
    station.wait_for_birds()
    assert station.field.accepted == 1
    assert "Traceback" not in park.daemon.text()


def read_by_now(station: Station) -> int:
    """Return how many events were read once nothing more is."""
    unread: list[int] = []

    def is_still() -> bool:
        unread.append(unread_bytes(station.field.port))
        return unread[-1] > 0 and len(unread) > 20 and len(set(unread[-20:])) == 1

    wait_until(is_still, timeout=SPOOLING, message="nothing more is read")
    sizes = itertools.accumulate(len(encode(it)) for it in station.field.sent)
    *_, total = sizes = list(sizes)
    return bisect.bisect_right(sizes, total - unread[-1])


def test_on_a_full_disk_the_reserve_takes_what_is_in_memory_at_the_end(
    small_spool_disk: SmallDisk, park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    """What was read is spooled; what was not, the node still has."""
    station = park.add("Dartmoor")
    reserve = small_spool_disk.directory / "reserve"
    wait_until(lambda: reserve.stat().st_size, timeout=SPOOLING, message="there is a reserve")
    with write_locked(park.database), small_spool_disk.full():
        for _ in range(40):
            station.field.send(700)
        park.daemon.wait_for_line(r"Dartmoor.*cannot spool: no space left on device")
        received = read_by_now(station)
        assert park.daemon.stop() == 0
        (waiting,) = (it for it in survey(small_spool_disk.directory) if it.origin.id == station.id)
        assert waiting.events == received
    station.field.refuse()
    start_daemon(park.database)
    wait_until_nothing_waits(park)
    assert stored(station.id) == sorted(station.field.sent[:received])


def test_an_end_that_loses_something_says_so(small_spool_disk: SmallDisk, park: Park) -> None:
    station = park.add("Dartmoor")
    with write_locked(park.database), small_spool_disk.read_only():
        station.field.send(100)
        park.daemon.wait_for_line(r"Dartmoor.*cannot spool: read-only file system")
        assert park.daemon.stop() == os.EX_IOERR
    text = park.daemon.text()
    assert re.search(r"Dartmoor.*trying for .* s more, then what is left is lost", text)
    assert re.search(r"CRITICAL.*Dartmoor.*100 events could not be spooled and are lost", text)
    assert "Stopped, and 100 events are lost" in text
