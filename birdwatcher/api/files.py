"""Lists as files: all rows as CSV or JSON lines, made while they are sent."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer

from birdwatcher.api.base import Base
from birdwatcher.api.parameters import OF_PAGES
from birdwatcher.api.refusals import BusyError, TooManyError
from birdwatcher.exports import answer, places
from birdwatcher.exports.file_formats import FORMATS, Format, Record
from birdwatcher.exports.lists import Rows
from birdwatcher.exports.stream import Source

PAGED = "A file has no pages: it holds all rows that match the filters."
FILE = OpenApiResponse(OpenApiTypes.STR, "A page as JSON, or all rows as a file.")
FILES = {(200, it.media_type): FILE for it in FORMATS.values()}


class FileRenderer(BaseRenderer):
    """The format of a file, for content negotiation; `birdwatcher.exports` makes the content."""

    def __init__(self, form: Format) -> None:
        self.format, self.media_type = form.suffix, form.media_type

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """Do not call: files are streamed, and errors are JSON."""
        raise NotImplementedError


def download(request: Request, source: Source) -> StreamingHttpResponse:
    """Return all of `source` in the format that was asked for.

    Raises TooManyError, BusyError, django.db.Error.
    """
    form = FORMATS[request.accepted_renderer.format]
    title = _in_words(request) or f"all {source.kind}"
    name = source.kind.replace(" ", "-")
    # The request of Django, inside that of Django REST framework.
    asked = request._request  # noqa: SLF001 no other way
    try:
        return answer.answer(asked, answer.owner_of(request), source, form, title, name)
    except places.TooManyError:
        sentence = f"{places.OF_EACH} of your files are being sent: wait for one to end."
        raise TooManyError(sentence) from None
    except places.BusyError:
        raise BusyError("Other files are being sent: try again in a moment.") from None


def columns(serializer: BaseSerializer[Any], within: str = "") -> Iterator[str]:
    """Yield the names of the columns that `serializer` writes, such as `id`, `status_state`."""
    assert isinstance(serializer, Serializer)  # noqa: S101 each of these lists has fields
    for name, field in serializer.fields.items():
        if isinstance(field, BaseSerializer):
            yield from columns(field, f"{within}{name}_")
        else:
            yield f"{within}{name}"


def _in_words(request: Request) -> str:
    """Return the filters as the title of an export."""
    asked = request.query_params.items()
    return ", ".join(f"{name} {text}" for name, text in asked if name != "format")


def listing(summary: str, serializer: type[BaseSerializer[Any]]) -> Callable[[Any], Any]:
    """Return the decorator that describes a list in the schema."""
    description = (
        "As JSON, one page; as CSV or JSON lines, all rows that match the filters, in the same "
        f"order. The columns of CSV: {', '.join(columns(serializer()))}."
    )
    responses = {(200, "application/json"): serializer, **FILES}
    return extend_schema(summary=summary, description=description, responses=responses)


class HasFiles(Base):
    """A view whose list is also available as a file."""

    action: str | None

    def get_renderers(self) -> list[Any]:
        """Return a renderer for each format of the response."""
        files = map(FileRenderer, FORMATS.values()) if self.action in {"list", None} else ()
        return [JSONRenderer(), *files]


class ListFiles(HasFiles, GenericAPIView[Any]):
    """A list with numbered pages that is also available as a file.

    Its order must be by fields that are never null.
    """

    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return a page or a file."""
        if request.accepted_renderer.format not in FORMATS:
            page: Response = super().list(request, *args, **kwargs)
            return page
        rows = self.filter_queryset(self.get_queryset())
        if paged := sorted(OF_PAGES & request.query_params.keys()):
            raise ValidationError({name: [PAGED] for name in paged})
        kind = str(rows.model._meta.verbose_name_plural)  # noqa: SLF001 public
        names = [*columns(self.get_serializer_class()())]
        return download(request, Rows(kind, rows, names, self._records))

    def _records(self, rows: Sequence[Any]) -> Sequence[Record]:
        """Return some rows as they are at this moment."""
        return [dict(it) for it in self.get_serializer(rows, many=True).data]
