"""Birds as a file, CSV or JSON lines, made while it is sent."""

from __future__ import annotations

import datetime
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.utils.crypto import salted_hmac
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from birdwatcher.accounts.throttle import client_address
from birdwatcher.api.errors import BusyError, TooManyError
from birdwatcher.birds.search.search import Search
from birdwatcher.exports import stream
from birdwatcher.exports.formats import FORMATS
from birdwatcher.exports.models import Export

AT_ONCE = 2  # files of one user, or one address


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


def download(request: Request, search: Search, title: str) -> StreamingHttpResponse:
    """Return all birds of `search` as the file that was asked for. Raises TooManyError, BusyError,
    django.db.Error."""
    owner = _owner(request)
    if Export.objects.of(owner).alive().count() >= AT_ONCE:
        raise TooManyError(f"{AT_ONCE} of your files are under way: wait for one to end.")
    form = FORMATS[request.accepted_renderer.format]
    if request.method == "HEAD":
        response = StreamingHttpResponse(())
    else:
        row = Export(**owner, format=form.suffix, title=title[:1024])
        try:
            file = stream.Download(stream.stream(row, search, form, datetime.UTC))
        except stream.BusyError:
            raise BusyError("Other files are under way: try again in a moment.") from None
        asynchronous = isinstance(request._request, ASGIRequest)  # noqa: SLF001 no other way
        response = StreamingHttpResponse(stream.asynchronously(file) if asynchronous else file)
    response["Content-Type"] = form.content_type
    response["Content-Disposition"] = f'attachment; filename="birds.{form.suffix}"'
    return response


def _owner(request: Request) -> dict[str, Any]:
    if request.user.is_authenticated:
        return {"user": request.user, "visitor": ""}
    # Not the address itself, with which a browser could pass itself off as its owner.
    address = salted_hmac("birdwatcher.api", str(client_address(request))).hexdigest()
    return {"user": None, "visitor": f"api {address}"}
