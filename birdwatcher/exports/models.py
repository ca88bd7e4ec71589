"""Exports and their progress, for the page that shows it."""

from __future__ import annotations

import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class State(models.TextChoices):
    """The state of an export."""

    RUNNING = "running"
    DONE = "done"
    BROKEN_OFF = "broken off"  # by the client
    FAILED = "failed"


class ExportQuerySet(models.QuerySet["Export"]):
    """Exports."""

    def of(self, owner: dict[str, Any]) -> ExportQuerySet:
        """Return those of one viewer (see `owner_of`), newest first."""
        mine = self.filter(user=owner["user"], visitor=owner["visitor"]).order_by("-pk")
        return mine.annotate(asked_at=Now())

    def beside(self, owner: dict[str, Any]) -> ExportQuerySet:
        """Return those that share a limit with this owner: of the same user, or address."""
        return self.filter(user=owner["user"], address=owner["address"])

    def alive(self) -> ExportQuerySet:
        """Return those that run, or ran a moment ago."""
        return self.filter(state=State.RUNNING, updated_at__gte=Now() - Export.SILENT_AFTER)


class Export(models.Model):
    """One file that is or was sent; `kind` names its rows.

    Without a log-in, `visitor` is the cookie of the browser and `address` that of the client.
    `total` is None if the number of rows is not known.
    """

    KEPT_FOR = datetime.timedelta(days=1)
    # A killed server leaves the state as it was, and a client may stop reading.
    SILENT_AFTER = datetime.timedelta(seconds=30)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    visitor = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True, default="", db_default="")
    kind = models.CharField(max_length=32, default="birds", db_default="birds")
    format = models.CharField(max_length=8)
    title = models.CharField(max_length=1024)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RUNNING)
    rows = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    started_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ExportQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["visitor", "-id"], name="exports_export_visitor"),
            models.Index(fields=["address"], name="exports_export_address"),
            models.Index(fields=["started_at"], name="exports_export_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.format}, {self.state})"

    @property
    def running(self) -> bool:
        """Whether it is still running."""
        return self.state == State.RUNNING and not self.silent

    @property
    def silent(self) -> bool:
        """Whether it has made no progress for so long that it may have ended unrecorded."""
        # Another host may have sent it: both times are by the database's clock.
        since = (getattr(self, "asked_at", None) or timezone.now()) - self.updated_at
        return self.state == State.RUNNING and since > self.SILENT_AFTER
