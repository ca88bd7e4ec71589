"""The entries of the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import models
from django.utils import timezone


class Action(models.TextChoices):
    """What was done."""

    ADD = "add"
    CHANGE = "change"
    DELETE = "delete"
    LOG_IN = "log in"
    LOG_OUT = "log out"
    FAILED = "failed log-in"


class EntryQuerySet(models.QuerySet["Entry"]):
    """Entries."""

    def about(self, model: type[models.Model], key: object) -> EntryQuerySet:
        """Return those about one row, newest first."""
        kind = model._meta.label_lower  # noqa: SLF001 Django documents it
        return self.filter(kind=kind, key=str(key)).order_by("-pk")


class Entry(models.Model):
    """One thing that somebody did. Entries are neither changed nor deleted: triggers refuse it.

    Names are kept as they were, without references, so that an entry outlives what it is about:
    `who` and `user` (a key) the person, `token` the name of the token with which a program acted;
    `kind` and `key` the row, such as `nodes.node` and `7`, and `what` its name.
    """

    LONGEST_DETAIL = 2_000  # characters

    at = models.DateTimeField("time", default=timezone.now)
    who = models.CharField(max_length=255, blank=True)
    user = models.BigIntegerField(null=True)
    address = models.CharField(max_length=64, blank=True)
    token = models.CharField(max_length=128, blank=True)
    action = models.CharField(max_length=16, choices=Action.choices)
    kind = models.CharField(max_length=100, blank=True)
    key = models.CharField(max_length=64, blank=True)
    what = models.CharField(max_length=255, blank=True)
    detail = models.TextField(blank=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        default_permissions = ("view",)
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["at"], name="audit_entry_oldest"),
            models.Index(fields=["who", "-id"], name="audit_entry_who"),
            models.Index(fields=["action", "-id"], name="audit_entry_action"),
            models.Index(fields=["kind", "-id"], name="audit_entry_kind"),
            models.Index(fields=["kind", "key", "-id"], name="audit_entry_object"),
        ]

    def __str__(self) -> str:
        return f"{self.who}: {self.action} {self.what}"

    @property
    def text(self) -> str:
        """The detail in words: the admin of earlier releases kept it as JSON."""
        message: Any = LogEntry(change_message=self.detail).get_change_message()
        return str(message)
