"""The one function that writes the audit log."""

from collections.abc import Iterable

from django.db.models import Model

from birdwatcher.audit.author import Author, author
from birdwatcher.audit.models import Action, Entry


def record(
    action: Action, rows: Iterable[Model] = (), detail: str = "", by: Author | None = None
) -> None:
    """Append an entry for each of `rows`, or one entry about none of them.

    Call it in the transaction of the change, before a row is deleted. `by` is the author, if that
    is not the one who is acting. Raises django.db.Error.
    """
    who = by or author()
    common = {
        "who": _fitting(who.name, "who"),
        "user": who.user,
        "address": _fitting(who.address, "address"),
        "token": _fitting(who.token, "token"),
        "action": action,
        "detail": detail[: Entry.LONGEST_DETAIL],
    }
    about = [_about(row) for row in rows] or [{}]
    Entry.objects.bulk_create([Entry(**common, **it) for it in about], batch_size=500)


def _about(row: Model) -> dict[str, str]:
    kind = row._meta.label_lower  # noqa: SLF001 Django documents it
    return {"kind": kind, "key": _fitting(str(row.pk), "key"), "what": _fitting(str(row), "what")}


def _fitting(text: str, field: str) -> str:
    return text[: Entry._meta.get_field(field).max_length]  # noqa: SLF001 Django documents it
