"""What the daemon says of its processes and its transactions, in the database."""

import asyncio
import datetime
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from birdwatcher.daemon.models import Daemon, DaemonProcess
from birdwatcher.nodes.models import Node
from birdwatcher.writer.heartbeat import Heartbeat, record
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.wire.frames import FrameReader, Kind, pack
from nodeproc.wire.messages import ProcessUsage
from supervisor import VERSION
from supervisor.metrics.usage import Gauge, Role
from tests.support.databases import Database
from tests.support.waiting import STARTING, wait_until

AT = 1_777_625_160.25


def usage(role: str, pid: int, node: int = 0, **changes: float) -> ProcessUsage:
    return ProcessUsage(role, node, pid, AT - 60, 10_000_000, 12.5)._replace(**changes)


def recorded() -> list[tuple[object, ...]]:
    rows = DaemonProcess.objects.order_by("pid")
    return list(rows.values_list("role", "node", "pid", "resident_bytes", "cpu_percent"))


def test_there_is_a_row_for_each_process_that_lives(database: Database) -> None:
    first, second = (
        Node.objects.create(name="Dartmoor", ip_address="::1", port=port) for port in (1, 2)
    )
    record(AT, [usage("supervisor", 10), usage("writer", 11), usage("node", 12, first.pk)])
    moment = datetime.datetime.fromtimestamp(AT, datetime.UTC)
    assert set(DaemonProcess.objects.values_list("seen_at", flat=True)) == {moment}
    started = set(DaemonProcess.objects.values_list("started_at", flat=True))
    assert started == {moment - datetime.timedelta(minutes=1)}
    record(
        AT + 10,
        [
            usage("supervisor", 10, cpu_percent=0.5),
            usage("node", 11, second.pk),  # the writer's id, used again
            usage("node", 13, first.pk, resident_bytes=5),
            usage("node", 14, 999),  # deleted meanwhile
        ],
    )
    assert recorded() == [
        ("supervisor", None, 10, 10_000_000, 0.5),
        ("node", second.pk, 11, 10_000_000, 12.5),
        ("node", first.pk, 13, 5, 12.5),
    ]
    first.delete()
    assert [row[2] for row in recorded()] == [10, 11]
    record(AT + 20, [])
    assert recorded() == []


def test_the_mean_of_the_last_transactions_stays_until_there_are_others(database: Database) -> None:
    numbers = DaemonNumbers()
    numbers.count_commit(1, 0, 99.0)  # of an earlier writer
    heartbeat = Heartbeat(numbers)
    heartbeat.register(first=True)

    def shown() -> float | None:
        heartbeat._seen_at = 0.0
        heartbeat.show()
        return Daemon.current().commit_seconds

    assert shown() is None
    for seconds in (0.1, 0.3):
        numbers.count_commit(1, 0, seconds)
    assert shown() == pytest.approx(0.2)
    assert shown() == pytest.approx(0.2)
    numbers.count_commit(0, 0, 1.0)
    assert shown() == pytest.approx(1.0)
    assert Daemon.current().version == VERSION
    heartbeat.measured(AT, [tuple(usage("writer", 11))])
    assert shown() == pytest.approx(1.0)
    assert len(recorded()) == 1
    heartbeat.stopped()
    assert recorded() == []
    assert Daemon.current().stopped_at


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process with a name that is hard to read, which works all the time."""
    command = ["-c", "import ctypes; ctypes.CDLL(None).prctl(15, b'x) R 1 (', 0, 0, 0)\nwhile 1: 0"]
    process = subprocess.Popen(["python3", *command])
    yield process
    process.kill()
    process.wait()


def test_processes_are_measured_as_they_are(child: subprocess.Popen[bytes]) -> None:
    name = Path(f"/proc/{child.pid}/comm")
    wait_until(lambda: "x) R" in name.read_text(), timeout=STARTING, message=name.read_text)
    gauge = Gauge()
    roles = [
        Role("supervisor", "", os.getpid()),
        Role("node", "7", child.pid),
        Role("writer", "", 1),  # none of ours
        Role("node", "8", 2**22 + 1),  # no process at all
    ]
    began = time.time()
    asyncio.run(gauge.measure(roles))
    worked = sum(psutil.Process(child.pid).cpu_times()[:2])
    wait_until(
        lambda: sum(psutil.Process(child.pid).cpu_times()[:2]) > worked + 0.3,
        timeout=STARTING,
        message="the process works",
    )
    at, (own, its) = asyncio.run(gauge.measure(roles))
    assert (own.role, own.node, own.pid) == ("supervisor", 0, os.getpid())
    assert (its.role, its.node, its.pid) == ("node", 7, child.pid)
    seen = psutil.Process(child.pid)
    assert its.resident_bytes == pytest.approx(seen.memory_info().rss, rel=0.5)
    assert its.started_at == pytest.approx(seen.create_time(), abs=1.5)
    assert 1 < its.cpu_percent < 150
    assert began <= at <= time.time()
    (frame,) = FrameReader().feed(pack(Kind.PROCESSES, (at, [own, its])))
    assert frame.value() == (at, [own, its])
