"""Confirm and carry out deletions that include millions of birds."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from birdwatcher.birds.models import Bird
from birdwatcher.birds.removal import remove_birds
from birdwatcher.rollups.models import TotalCount
from birdwatcher.staff.audited import AuditedAdmin


class CountedDeleteAdmin(AuditedAdmin):
    """The admin of a model to which birds refer by the field `bird_field`.

    Django's own confirmation loads and lists every object to be deleted, and deletes them in a
    single transaction. Here, the confirmation shows the number of birds, which the rollups know,
    and the birds are deleted first, a few at a time.
    """

    bird_field: str

    def clear(self, request: HttpRequest, obj: Any) -> None:
        """Delete the birds of `obj`, before it is deleted itself."""
        remove_birds(**{self.bird_field: obj.pk})

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for confirmation to delete one object, or delete it if it was given."""
        if request.method == "POST":  # outside the transaction that begins below
            obj = self.get_object(request, unquote(object_id))
            if obj and not self.get_deleted_objects([obj], request)[2]:
                self.clear(request, obj)
        return super().delete_view(request, object_id, extra_context)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the chosen objects after the confirmation."""
        for obj in queryset:
            self.clear(request, obj)
        super().delete_queryset(request, queryset)

    def get_deleted_objects(
        self, objs: Iterable[Model], request: HttpRequest
    ) -> tuple[list[str], dict[str, Any], set[str], list[str]]:
        """Return what ModelAdmin.get_deleted_objects returns, a line for each of `objs`."""
        objects = list(objs)
        if not objects:
            return [], {}, set(), []
        counts = self._count_birds([obj.pk for obj in objects])
        total = sum(counts.values())
        lines = [self._line(obj, counts.get(obj.pk, 0)) for obj in objects]
        numbers = {str(self.opts.verbose_name_plural): f"{len(objects):,}"}
        if total:
            numbers["birds"] = f"{total:,}"
        return lines, numbers, self._lacking(objects, request), []

    def _count_birds(self, keys: list[Any]) -> dict[Any, int]:
        counts = TotalCount.objects.filter(**{f"{self.bird_field}__in": keys})
        return dict(counts.values_list(self.bird_field).annotate(Sum("birds")))

    def _line(self, obj: Model, birds: int) -> str:
        url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])
        with_birds = f", with {birds:,} bird{'' if birds == 1 else 's'}"
        return format_html(
            '{}: <a href="{}">{}</a>{}', capfirst(self.opts.verbose_name), url, obj, with_birds
        )

    def _lacking(self, objects: list[Model], request: HttpRequest) -> set[str]:
        """Return the names of the models that the user would delete but may not."""
        lacking = set()
        if not all(self.has_delete_permission(request, obj) for obj in objects):
            lacking.add(str(self.opts.verbose_name))
        birds = self.admin_site.get_model_admin(Bird)
        if not birds.has_delete_permission(request) and self._has_birds(objects):
            lacking.add(str(birds.opts.verbose_name))
        return lacking

    def _has_birds(self, objects: list[Model]) -> bool:
        """Return whether any object has birds, from their own table: permissions need certainty."""
        keys = [obj.pk for obj in objects]
        return Bird.objects.filter(**{f"{self.bird_field}__in": keys}).exists()
