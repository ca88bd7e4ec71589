"""A list as a file, CSV or JSON lines, made while it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer, Serializer

from birdwatcher.api.errors import BusyError, TooManyError
from birdwatcher.exports import answer, stream
from birdwatcher.exports.formats import FORMATS
from birdwatcher.exports.stream import Source


class _FileRenderer(BaseRenderer):
    """A form in which a file can be had. What it holds is made by `birdwatcher.exports`."""

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """Never called: a file is an answer by itself, and an error is JSON."""
        raise NotImplementedError


class CsvRenderer(_FileRenderer):
    """CSV (RFC 4180)."""

    media_type = "text/csv"
    format = "csv"


class JsonLinesRenderer(_FileRenderer):
    """JSON lines."""

    media_type = "application/jsonl"
    format = "jsonl"


def download(request: Request, source: Source) -> StreamingHttpResponse:
    """Return all of `source` as the file that was asked for. Raises TooManyError, BusyError,
    django.db.Error."""
    form = FORMATS[request.accepted_renderer.format]
    title = _in_words(request) or f"all {source.kind}"
    name = source.kind.replace(" ", "-")
    # Below Django REST framework's own request.
    asked = request._request  # noqa: SLF001 no other way
    try:
        return answer.answer(asked, answer.owner_of(request), source, form, title, name)
    except answer.TooManyError:
        sentence = f"{answer.OF_EACH} of your files are under way: wait for one to end."
        raise TooManyError(sentence) from None
    except stream.BusyError:
        raise BusyError("Other files are under way: try again in a moment.") from None


def columns(serializer: BaseSerializer[Any], within: str = "") -> Iterator[str]:
    """Yield how the columns of what `serializer` tells are called: `id`, `status_state`."""
    assert isinstance(serializer, Serializer)  # noqa: S101 each of these lists has fields
    for name, field in serializer.fields.items():
        if isinstance(field, BaseSerializer):
            yield from columns(field, f"{within}{name}_")
        else:
            yield f"{within}{name}"


def _in_words(request: Request) -> str:
    """Return what is asked for, as it is noted of an export."""
    asked = request.query_params.items()
    return ", ".join(f"{name} {text}" for name, text in asked if name != "format")
