"""Delete old entries of the audit log, when a person says so: nothing else does."""

import datetime

from django.db import connection, transaction

from birdwatcher.audit.models import Action, Entry
from birdwatcher.audit.record import record
from birdwatcher.common.database import engine
from birdwatcher.common.sql import load

ROOM = "birdwatcher.audit"
AT_ONCE = 10_000  # rows in a transaction


def prune(before: datetime.datetime) -> int:
    """Delete the entries from before this time, record that, and return how many there were.

    The triggers are away only inside each transaction that deletes. Raises django.db.Error.
    """
    total = 0
    while True:
        deleted = _delete_some(before)
        total += deleted
        if deleted < AT_ONCE:
            break
    if total:
        detail = f"Deleted {total:,} entries of the audit log from before {before.isoformat()}."
        record(Action.DELETE, detail=detail)
    return total


def _delete_some(before: datetime.datetime) -> int:
    with transaction.atomic():
        old = Entry.objects.filter(at__lt=before).order_by("at")
        keys = list(old.values_list("pk", flat=True)[:AT_ONCE])
        if keys:
            _run("drop")
            Entry.objects.filter(pk__in=keys).delete()
            _run("create")
    return len(keys)


def _run(name: str) -> None:
    with connection.cursor() as cursor:
        for statement in engine().statements(load(ROOM, "append_only", engine().name)[name]):
            cursor.execute(statement)
