"""Admin pages whose changes are recorded in the audit log, and whose history is read from it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from birdwatcher.audit.models import Action, Entry
from birdwatcher.audit.record import record

SHOWN = 100  # entries of a history; the page of the audit log has all


class AuditedAdmin(admin.ModelAdmin):
    """An admin with the audit log in place of Django's, whose entries go with their user."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """Record that a row was added."""
        record(Action.ADD, [obj], _in_words(message))

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """Record that a row was changed."""
        record(Action.CHANGE, [obj], _in_words(message))

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> None:
        """Record that rows are about to be deleted."""
        record(Action.DELETE, queryset)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what was last done to a row."""
        entries = Entry.objects.about(self.model, unquote(object_id))[:SHOWN]
        return super().history_view(request, object_id, {"entries": entries, "shown": SHOWN})


def _in_words(message: Any) -> str:
    """Return a message of the admin, which is text or a structure, as a sentence."""
    text = message if isinstance(message, str) else json.dumps(message)
    return str(LogEntry(change_message=text).get_change_message())
