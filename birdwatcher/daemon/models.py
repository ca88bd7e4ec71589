"""The running daemon and its processes."""

from __future__ import annotations

import datetime

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from birdwatcher.nodes.models import Node

# The daemon renews `seen_at` every few seconds; after this time without it, it counts as gone.
ALIVE_FOR = datetime.timedelta(seconds=20)


class Daemon(models.Model):
    """The daemon that serves this database: one row, with primary key `ONLY`.

    The fields of `SUMMARY` were measured at `seen_at`, and are None until then: `backlog` is the
    number of events received and not yet committed, `spooled` how many of them were in spools,
    `lag` the seconds that the oldest had been waiting (None without any), `missing` the number of
    nodes that have no row any more, and of which something waits for its return. `commit_seconds`
    is the average duration of the transactions in the last seconds that had any. `disks` has a
    `nodeproc.wire.messages.DiskRoom` for each disk, as an object of JSON.

    Everything that the daemon dates has the time of its own host, whose clock was `clock_ahead`
    seconds ahead of the database's at `seen_at`. So it is compared with `now`.
    """

    ONLY = 1
    SUMMARY = ("nodes", "connected", "backlog", "spooled", "lag", "events_per_second", "missing")

    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    nodes = models.PositiveIntegerField(null=True)
    connected = models.PositiveIntegerField(null=True)
    backlog = models.PositiveBigIntegerField(null=True)
    spooled = models.PositiveBigIntegerField(null=True)
    lag = models.FloatField(null=True)
    events_per_second = models.FloatField(null=True)
    missing = models.PositiveIntegerField(null=True)
    commit_seconds = models.FloatField(null=True)
    disks = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    version = models.CharField(max_length=32, blank=True, db_default="")
    clock_ahead = models.FloatField(default=0.0, db_default=0.0)

    class Meta:
        db_table = "writer_daemon"

    def __str__(self) -> str:
        return f"daemon {self.pid} on {self.host}"

    @classmethod
    def current(cls) -> Daemon | None:
        """Return the daemon that runs or ran last, None if there never was one."""
        return cls.objects.filter(pk=cls.ONLY).annotate(asked_at=Now()).first()

    @property
    def now(self) -> datetime.datetime:
        """The time on the daemon's host at which `current` read this row.

        It comes by way of the database's clock: that of this host may be another.
        """
        asked_at: datetime.datetime = getattr(self, "asked_at", None) or timezone.now()
        return asked_at + datetime.timedelta(seconds=self.clock_ahead)

    def alive(self, now: datetime.datetime) -> bool:
        """Return whether the daemon was running at `now`, as far as the database shows."""
        return self.stopped_at is None and now - self.seen_at <= ALIVE_FOR


def now_of(daemon: Daemon | None) -> datetime.datetime:
    """Return the time with which to compare what the daemon dated."""
    return daemon.now if daemon else timezone.now()


class Tenure(models.Model):
    """The time in which one daemon held the lock of this database: until the next row began.

    `instance` names the daemon's state directory. The birds that it committed have keys above
    `last_bird`, up to that of the next row. `began_at` is by the database's clock.
    """

    KEPT = 200  # rows

    instance = models.CharField(max_length=64)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    began_at = models.DateTimeField()
    last_bird = models.BigIntegerField()

    def __str__(self) -> str:
        return f"daemon {self.pid} on {self.host}"


class Standby(models.Model):
    """A daemon that lost the lock of this database to another, and waits to get it again.

    It renews `seen_at`, by the database's clock, at each attempt.
    """

    instance = models.CharField(max_length=64, unique=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    since = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"daemon {self.pid} on {self.host}"

    @classmethod
    def waiting(cls, now: datetime.datetime) -> models.QuerySet[Standby]:
        """Return those that gave a sign of life shortly before `now`."""
        return cls.objects.filter(seen_at__gt=now - ALIVE_FOR).order_by("since")


class DaemonProcess(models.Model):
    """One process of the daemon and its use of resources, measured at `seen_at`.

    `cpu_percent` is of one core, since the previous measurement; `started_at` is the kernel's. The
    next measurement deletes the rows of processes that have ended.
    """

    ROLES = ("supervisor", "writer", "node")

    role = models.CharField(max_length=16, choices=[(role, role) for role in ROLES])
    node = models.ForeignKey(Node, on_delete=models.CASCADE, null=True, related_name="processes")
    pid = models.PositiveIntegerField("process id", unique=True)
    started_at = models.DateTimeField()
    resident_bytes = models.PositiveBigIntegerField()
    cpu_percent = models.FloatField()
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "writer_daemonprocess"
        verbose_name_plural = "daemon processes"

    def __str__(self) -> str:
        return f"{self.role} {self.pid}"
