"""What the daemon says of itself in the database: that it lives, how it does, its processes."""

from __future__ import annotations

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
from birdwatcher.writer.locks import hold_nodes
from nodeproc.numbers.daemon import DaemonNumbers, Summary
from nodeproc.wire.messages import ProcessUsage
from supervisor import VERSION

HEARTBEAT = 5.0  # seconds between two signs of life in the database

PROCESSES = Target(
    DaemonProcess,
    ("pid",),
    ("role", "node", "started_at", "resident_bytes", "cpu_percent", "seen_at"),
)


class Heartbeat:
    """The writer's pen for the tables `Daemon` and `DaemonProcess`; all of it raises
    django.db.Error."""

    def __init__(self, numbers: DaemonNumbers) -> None:
        """`numbers` has the counts of transactions, and the supervisor's summary of the daemon."""
        self._numbers = numbers
        self._seen_at = 0.0
        self._commits = _commits(numbers)
        self._measured: tuple[float, Sequence[ProcessUsage]] | None = None

    @property
    def due(self) -> float:
        """When there is something to show, in monotonic seconds."""
        return 0.0 if self._measured else self._seen_at + HEARTBEAT

    def register(self, *, first: bool) -> None:
        """Sign the database's one row about the daemon; later writers of it only renew that."""
        now = timezone.now()
        values = {
            "host": socket.gethostname(),
            "pid": os.getppid(),
            "version": VERSION,
            "seen_at": now,
            "stopped_at": None,
            **_summarised(self._numbers.summary(), now),
        }
        started = {"started_at": now, "commit_seconds": None}
        Daemon.objects.update_or_create(
            pk=Daemon.ONLY,
            defaults=values | started if first else values,
            create_defaults=values | started,
        )

    def show(self) -> None:
        """Say, now and then, that the daemon is there and how it does; tell of its processes."""
        if time.monotonic() >= self._seen_at + HEARTBEAT:
            now = timezone.now()
            values = _summarised(self._numbers.summary(), now) | self._commit_seconds()
            Daemon.objects.filter(pk=Daemon.ONLY).update(seen_at=now, **values)
            self._seen_at = time.monotonic()
        measured, self._measured = self._measured, None  # what fails is not tried again
        if measured:
            record(*measured)

    def measured(self, at: float, usages: Sequence[tuple[Any, ...]]) -> None:
        """The supervisor has measured all processes at `at`, in seconds since the epoch."""
        self._measured = at, [ProcessUsage(*usage) for usage in usages]

    def stopped(self) -> None:
        """The daemon is ending in good order."""
        DaemonProcess.objects.all().delete()
        Daemon.objects.filter(pk=Daemon.ONLY).update(stopped_at=timezone.now())

    def _commit_seconds(self) -> dict[str, float]:
        """Return how long a transaction took on average, if there were any since the last time."""
        (before, seconds_before), self._commits = self._commits, _commits(self._numbers)
        count, seconds = self._commits
        if count == before:
            return {}
        return {"commit_seconds": (seconds - seconds_before) / (count - before)}


def record(at: float, usages: Sequence[ProcessUsage]) -> None:
    """Have exactly these processes in the database, but for those of nodes that are no more."""
    seen = moment(at)
    with transaction.atomic():
        nodes = hold_nodes({it.node for it in usages if it.node}) | {0}
        rows = [
            (it.role, it.node or None, it.pid, moment(it.started_at), *it[4:], seen)
            for it in usages
            if it.node in nodes
        ]
        engine().upsert(PROCESSES, rows)
        DaemonProcess.objects.exclude(seen_at=seen).delete()


def _commits(numbers: DaemonNumbers) -> tuple[int, float]:
    """Return how many transactions there were, and how many seconds all of them took."""
    buckets, seconds = numbers.commit_seconds.read()
    return buckets[-1][1], seconds


def _summarised(summary: Summary | None, now: datetime.datetime) -> dict[str, Any]:
    """Return what the database keeps of a summary, by the names of its fields."""
    if summary is None:
        return dict.fromkeys(Daemon.SUMMARY)
    values = summary._asdict()
    oldest = values.pop("oldest")
    lag = None if oldest is None else max(now.timestamp() - oldest, 0.0)
    return values | {"lag": lag}
