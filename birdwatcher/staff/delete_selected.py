"""The admin's action that deletes what is chosen, so many objects at a time."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import actions
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

MOST = 5_000  # the confirmation shows each, and sends it back as a field of its form


@admin.action(permissions=["delete"], description=actions.delete_selected.short_description)  # type: ignore[attr-defined]
def delete_selected(
    of: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Ask for confirmation, or delete after it."""
    if queryset.order_by()[: MOST + 1].count() > MOST:
        what = of.opts.verbose_name_plural
        sentence = f"At most {MOST:,} {what} can be deleted at a time: narrow the list by a filter."
        of.message_user(request, sentence, messages.ERROR)
        return None
    return actions.delete_selected(of, request, queryset)


admin.site.add_action(delete_selected, "delete_selected")
