"""What the database knows of the running daemon and its processes."""

from __future__ import annotations

import datetime

from django.db import models

from birdwatcher.nodes.models import Node

# The daemon renews `seen_at` every few seconds; silence longer than this means that it is gone.
ALIVE_FOR = datetime.timedelta(seconds=20)


class Daemon(models.Model):
    """The daemon that serves this database: one row, with primary key `ONLY`.

    The fields of `SUMMARY` tell how it did at `seen_at`, and are None as long as nothing is known:
    `backlog` is how many events were received and not yet committed, `spooled` how many of them
    were in spools, `lag` for how many seconds the oldest had been waiting (None with none).
    `commit_seconds` is how long a transaction took on average, in the last few seconds in which
    there were any.
    """

    ONLY = 1
    SUMMARY = ("nodes", "connected", "backlog", "spooled", "lag", "events_per_second")

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
    commit_seconds = models.FloatField(null=True)
    version = models.CharField(max_length=32, blank=True, db_default="")

    class Meta:
        db_table = "writer_daemon"

    def __str__(self) -> str:
        return f"daemon {self.pid} on {self.host}"

    @classmethod
    def current(cls) -> Daemon | None:
        """Return the daemon that runs or ran last, or None if there never was one."""
        return cls.objects.filter(pk=cls.ONLY).first()

    def alive(self, now: datetime.datetime) -> bool:
        """Whether the daemon was running at `now`, as far as can be told from here."""
        return self.stopped_at is None and now - self.seen_at <= ALIVE_FOR


class DaemonProcess(models.Model):
    """One process of the daemon and what it uses of the machine, as measured at `seen_at`.

    `cpu_percent` is of one core, since the measurement before, and `started_at` by the kernel. The
    rows of processes that have ended go with the next measurement.
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
