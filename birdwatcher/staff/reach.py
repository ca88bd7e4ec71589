"""Admin pages of what people hand on: users, groups and tokens, within the editor's own reach."""

from __future__ import annotations

from typing import Any

from django.db.models import Field, Model
from django.forms import ModelChoiceField
from django.http import HttpRequest

from birdwatcher.accounts.handing_on import BEYOND, beyond
from birdwatcher.staff.audited import AuditedAdmin


class ReachAdmin(AuditedAdmin):
    """An admin that protects rows beyond the editor's reach (see `accounts.handing_on`)."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether `obj` may be changed; for a user, this includes the password."""
        return super().has_change_permission(request, obj) and self._reaches(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether `obj` may be deleted, alone or with others."""
        return super().has_delete_permission(request, obj) and self._reaches(request, obj)

    def _reaches(self, request: HttpRequest, obj: Model | None) -> bool:
        return obj is None or not beyond(request.user, self.model).filter(pk=obj.pk).exists()

    def formfield_for_foreignkey(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        """Return a field with the rows that the editor may choose."""
        return _within(super().formfield_for_foreignkey(db_field, request, **kwargs), request)

    def formfield_for_manytomany(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        """Return a field with the permissions or groups that the editor may grant."""
        return _within(super().formfield_for_manytomany(db_field, request, **kwargs), request)


def _within(field: ModelChoiceField | None, request: HttpRequest) -> ModelChoiceField | None:
    if field is not None and field.queryset.model in BEYOND:
        refused = beyond(request.user, field.queryset.model)
        field.queryset = field.queryset.exclude(pk__in=refused.values("pk"))
    return field
