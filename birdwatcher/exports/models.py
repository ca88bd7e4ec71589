"""Exports: how far each has come, for the page of whoever waits for it."""

from __future__ import annotations

import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class State(models.TextChoices):
    """What became of an export."""

    RUNNING = "running"
    DONE = "done"
    BROKEN_OFF = "broken off"  # by whoever asked for it
    FAILED = "failed"


class ExportQuerySet(models.QuerySet["Export"]):
    """Exports."""

    def of(self, owner: dict[str, Any]) -> ExportQuerySet:
        """Return those of one viewer, newest first; see `owner_of`."""
        return self.filter(user=owner["user"], visitor=owner["visitor"]).order_by("-pk")

    def beside(self, owner: dict[str, Any]) -> ExportQuerySet:
        """Return those of which only so many may run at once: a user's, or an address's."""
        return self.filter(user=owner["user"], address=owner["address"])

    def alive(self) -> ExportQuerySet:
        """Return those that run, or did a moment ago."""
        return self.filter(
            state=State.RUNNING, updated_at__gte=timezone.now() - Export.SILENT_AFTER
        )


class Export(models.Model):
    """One file that is being sent, or was; `kind` is of what.

    `visitor` is what the browser of somebody who is not logged in is known by, and `address` where
    it asks from. `total` is None where only counting would tell.
    """

    KEPT_FOR = datetime.timedelta(days=1)
    # A server that was killed cannot say so, and a client may stop taking what it is sent.
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
        """Whether it goes on."""
        return self.state == State.RUNNING and not self.silent

    @property
    def silent(self) -> bool:
        """Whether nothing has been heard of it for so long that it may have ended unnoticed."""
        since = timezone.now() - self.updated_at
        return self.state == State.RUNNING and since > self.SILENT_AFTER
