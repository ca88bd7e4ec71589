"""Lists whose cost does not grow beyond ten thousand rows."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from birdwatcher.staff.audited import AuditedAdmin

ENOUGH = 10_000


class CappedPaginator(Paginator):
    """A paginator that counts no further than `ENOUGH`, and says so.

    Later pages cannot be reached: their OFFSET would read every row before them.
    """

    @cached_property
    def found(self) -> int:
        """The number of rows, at most `ENOUGH` + 1."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by().values("pk")[: ENOUGH + 1].count()

    @cached_property
    def count(self) -> int:
        """The number of rows that the pages show."""
        return min(self.found, ENOUGH)

    @property
    def count_text(self) -> str:
        """The number of rows for people: "12", or "more than 10,000"."""
        return f"more than {ENOUGH:,}" if self.found > ENOUGH else f"{self.found:,}"


class NewestFirstChangeList(ChangeList):
    """Rows, always newest first: any other order would sort the whole table for each page."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Model]) -> list[Any]:
        """Return the model's own order, whatever the page's address says."""
        return list(self.lookup_opts.ordering)


class NewestFirstAdmin(AuditedAdmin):
    """The admin of a large table: Django's defaults would count or sort all of it."""

    sortable_by = ()
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ["staff/birds.css"]}
        js = ["staff/filters.js"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the class of the list."""
        return NewestFirstChangeList
