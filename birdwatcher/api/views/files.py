"""Lists that can be had as files too: all of them, and not a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from birdwatcher.api.downloads import CsvRenderer, JsonLinesRenderer, columns, download
from birdwatcher.api.queries import OF_PAGES
from birdwatcher.api.views.base import Base
from birdwatcher.exports.formats import FORMATS, Record
from birdwatcher.exports.rows import Rows

PAGED = "A file has no pages: it holds all that the filters leave."
FILE = OpenApiResponse(OpenApiTypes.STR, "A page, or all as a file.")
FILES = {(200, it.content_type.partition(";")[0]): FILE for it in FORMATS.values()}


def listing(summary: str, serializer: type[BaseSerializer[Any]]) -> Callable[[Any], Any]:
    """Return what the schema says of a list."""
    description = (
        "In JSON a page; as CSV or JSON lines all that the filters leave, in the same order and "
        f"without pages. The columns of CSV: {', '.join(columns(serializer()))}."
    )
    responses = {(200, "application/json"): serializer, **FILES}
    return extend_schema(summary=summary, description=description, responses=responses)


class HasFiles(Base):
    """A view whose list can be had as a file too."""

    action: str | None

    def get_renderers(self) -> list[Any]:
        """Return the forms of an answer."""
        files = [CsvRenderer(), JsonLinesRenderer()] if self.action in {"list", None} else []
        return [JSONRenderer(), *files]


class ListFiles(HasFiles, GenericAPIView[Any]):
    """A list with numbered pages that can be had as a file too.

    Its filters must leave an order by fields that are never null.
    """

    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer with a page or a file."""
        if request.accepted_renderer.format not in FORMATS:
            page: Response = super().list(request, *args, **kwargs)
            return page
        rows = self.filter_queryset(self.get_queryset())
        if paged := sorted(OF_PAGES & request.query_params.keys()):
            raise ValidationError({name: [PAGED] for name in paged})
        kind = str(rows.model._meta.verbose_name_plural)  # noqa: SLF001 public
        names = [*columns(self.get_serializer_class()())]
        return download(request, Rows(kind, rows, names, self._tell))

    def _tell(self, rows: Sequence[Any]) -> Sequence[Record]:
        """Return what is told of some rows at this moment."""
        return [dict(it) for it in self.get_serializer(rows, many=True).data]
