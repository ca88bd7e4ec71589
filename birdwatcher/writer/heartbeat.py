"""What the daemon writes about itself: that it runs, its summary, its processes."""

import datetime
import os
import socket
import time
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from birdwatcher.common.database import engine
from birdwatcher.common.database.tables import Target
from birdwatcher.common.units import moment
from birdwatcher.daemon.models import Daemon, DaemonProcess
from birdwatcher.nodes.models import Node
from nodeproc.numbers.daemon import DaemonNumbers, Summary
from nodeproc.wire.messages import DiskRoom, ProcessUsage
from supervisor import VERSION

HEARTBEAT = 5.0  # seconds between two signs of life in the database

PROCESSES = Target(
    DaemonProcess,
    ("pid",),
    ("role", "node", "started_at", "resident_bytes", "cpu_percent", "seen_at"),
)


class Heartbeat:
    """Writes the tables `Daemon` and `DaemonProcess`; every method raises django.db.Error."""

    def __init__(self, numbers: DaemonNumbers) -> None:
        """`numbers` has the counts of transactions, and the supervisor's summary of the daemon."""
        self._numbers = numbers
        self._seen_at = 0.0
        self._commits = _commits(numbers)
        self._measured: tuple[float, Sequence[ProcessUsage]] | None = None
        self.disks: Sequence[DiskRoom] | None = None  # as measured last

    @property
    def due(self) -> float:
        """When there is something to write, in monotonic seconds."""
        return 0.0 if self._measured else self._seen_at + HEARTBEAT

    def register(self, *, first: bool) -> None:
        """Write the one row about the daemon; its later writers keep when it started."""
        now = timezone.now()
        values = {
            "host": socket.gethostname(),
            "pid": os.getppid(),
            "version": VERSION,
            "seen_at": now,
            "stopped_at": None,
            "clock_ahead": _ahead(),
            **_summarised(self._numbers.summary(), now),
        }
        started: dict[str, Any] = {"started_at": now, "commit_seconds": None, "disks": []}
        Daemon.objects.update_or_create(
            pk=Daemon.ONLY,
            defaults=values | started if first else values,
            create_defaults=values | started,
        )

    def show(self) -> None:
        """Write the heartbeat and the summary, if it is time, and processes that were measured."""
        if time.monotonic() >= self._seen_at + HEARTBEAT:
            now = timezone.now()
            values = _summarised(self._numbers.summary(), now) | self._commit_seconds()
            if self.disks is not None:
                values["disks"] = [room._asdict() for room in self.disks]
            values["clock_ahead"] = _ahead()
            if not Daemon.objects.filter(pk=Daemon.ONLY).update(seen_at=now, **values):
                self.register(first=False)  # the row is gone: tables were emptied or restored
            self._seen_at = time.monotonic()
        measured, self._measured = self._measured, None  # if it fails, it is not tried again
        if measured:
            record(*measured)

    def measured(self, at: float, usages: Sequence[tuple[Any, ...]]) -> None:
        """Keep what the supervisor measured at `at`, in seconds since the epoch, until `show`."""
        self._measured = at, [ProcessUsage(*usage) for usage in usages]

    def stopped(self) -> None:
        """Write that the daemon ends in order."""
        DaemonProcess.objects.all().delete()
        Daemon.objects.filter(pk=Daemon.ONLY).update(stopped_at=timezone.now())

    def _commit_seconds(self) -> dict[str, float]:
        """Return the mean time of the transactions since the last call, nothing without any."""
        (before, seconds_before), self._commits = self._commits, _commits(self._numbers)
        count, seconds = self._commits
        if count == before:
            return {}
        return {"commit_seconds": (seconds - seconds_before) / (count - before)}


def record(at: float, usages: Sequence[ProcessUsage]) -> None:
    """Replace the processes in the database by these, but for those of deleted nodes."""
    seen = moment(at)
    with transaction.atomic():
        nodes = engine().hold(Node, {it.node for it in usages if it.node}) | {0}
        rows = [
            (it.role, it.node or None, it.pid, moment(it.started_at), *it[4:], seen)
            for it in usages
            if it.node in nodes
        ]
        engine().upsert(PROCESSES, rows)
        DaemonProcess.objects.exclude(seen_at=seen).delete()


def _ahead() -> float:
    """Return the seconds by which the clock of this host is ahead of the database's."""
    return (timezone.now() - engine().now()).total_seconds()


def _commits(numbers: DaemonNumbers) -> tuple[int, float]:
    """Return the number of transactions, and the seconds that all of them took."""
    buckets, seconds = numbers.commit_seconds.read()
    return buckets[-1][1], seconds


def _summarised(summary: Summary | None, now: datetime.datetime) -> dict[str, Any]:
    """Return the fields of `Daemon` that hold a summary, with their values."""
    if summary is None:
        return dict.fromkeys(Daemon.SUMMARY)
    values = summary._asdict()
    oldest = values.pop("oldest")
    lag = None if oldest is None else max(now.timestamp() - oldest, 0.0)
    return values | {"lag": lag}
