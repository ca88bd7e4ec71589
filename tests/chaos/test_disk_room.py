"""A disk that fills up: the daemon stops reading before it is full, and goes on by itself."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from birdwatcher.birds.models import Bird
from birdwatcher.health.examination import read_facts
from birdwatcher.health.judgement import Grade, judge
from birdwatcher.nodes.models import NodeStatus, StatusChange
from nodeproc.states import NodeState
from tests.chaos.disk import FILLER
from tests.chaos.means import Means
from tests.support import requirements
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Databases
from tests.support.fieldnode import FieldNode
from tests.support.park import Park
from tests.support.waiting import Promise, wait_until

SEEN = 15.0  # seconds: it looks every two, and writes what it saw every five
LEFT = 2 * 1024 * 1024  # bytes; of 64 MiB, a twentieth is to be left


@contextlib.contextmanager
def nearly_full(directory: Path) -> Iterator[None]:
    """Leave `LEFT` bytes on the disk."""
    filler = directory / FILLER
    room = os.statvfs(directory)
    with filler.open("wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - LEFT)
    try:
        yield
    finally:
        filler.unlink()


def test_nothing_is_read_until_there_is_room(
    databases: Databases,
    small_state_dir: Path,
    means: Means,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    promise: Promise,
) -> None:
    if means.disk is None:
        requirements.left_out("mount", "no small disk")
    with databases.fresh(SQLITE, small_state_dir) as database:
        daemon = start_daemon(database, BIRDWATCHER_DISK_CRITICAL_BYTES=str(1 << 40))
        park = Park(database, daemon, field_node, promise)
        station = park.add("Dartmoor")

        def is_(state: NodeState) -> bool:
            status = NodeStatus.objects.get(node=station.id)
            return daemon.state(station.id) == status.state == state

        with nearly_full(small_state_dir):
            wait_until(lambda: is_(NodeState.LIMITED), timeout=SEEN, message=daemon.text)
            why = NodeStatus.objects.get(node=station.id).error
            assert why.startswith("nothing is read: less than 3 MiB are free on the disk of the ")
            assert daemon.counts() == (2, 2)
            # One that connects only now is not read either.
            late = park.add("Exmoor", connected=False)
            wait_until(lambda: daemon.state(late.id) == "limited", timeout=SEEN, message=why)
            for each in (station, late):
                each.field.send(100)
            wait_until(
                lambda: judge(read_facts()).text.startswith(
                    "nothing is read from the nodes: the disk of the database"
                ),
                timeout=SEEN,
                message=lambda: judge(read_facts()).line,
            )
            assert judge(read_facts()).grade is Grade.CRITICAL
            assert not Bird.objects.exists()

        wait_until(lambda: is_(NodeState.CONNECTED), timeout=SEEN, message=daemon.text)
        station.wait_for_birds()
        late.wait_for_birds()
        assert station.field.accepted == late.field.accepted == 1
        states = StatusChange.objects.filter(node=station.id).order_by("id")
        assert list(states.values_list("state", flat=True))[-3:] == [
            "connected",
            "limited",
            "connected",
        ]
        assert daemon.text().count("nothing is read") == 1
