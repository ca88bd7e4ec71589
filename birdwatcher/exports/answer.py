"""An export as the answer to a request, for people and for programs alike."""

from __future__ import annotations

from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.request import Request

from birdwatcher.accounts.throttle import client_address
from birdwatcher.exports.formats import Format
from birdwatcher.exports.models import Export
from birdwatcher.exports.stream import Download, Source, asynchronously, stream

OF_EACH = 2  # exports at a time, of one who asks


class TooManyError(Exception):
    """As many exports of whoever asks are under way as they may have."""


def owner_of(request: HttpRequest | Request, visitor: str = "") -> dict[str, Any]:
    """Return whose an export is: a user's, or that of a `visitor` who is none, at an address."""
    if request.user.is_authenticated:
        return {"user": request.user, "visitor": "", "address": ""}
    # A browser may forget what it is known by, but not where it is.
    return {"user": None, "visitor": visitor, "address": str(client_address(request))}


def answer(
    request: HttpRequest, owner: dict[str, Any], source: Source, form: Format, title: str, name: str
) -> StreamingHttpResponse:
    """Return all of `source` as a file called `name`, for `owner` (see `owner_of`).

    `title` says in words what is asked for. Raises TooManyError, BusyError, django.db.Error.
    """
    if _under_way(owner) >= OF_EACH:
        raise TooManyError
    if request.method == "HEAD":
        # A stream like the file itself, so that nothing is said of its length.
        response = StreamingHttpResponse(())
    else:
        row = Export(**owner, kind=source.kind, format=form.suffix, title=title[:1024])
        file = Download(stream(row, source, form))
        # Those that come at the same moment do not see each other before. By now the row is there
        # for all to see, and of too many, whoever looks last sees all.
        if _under_way(owner) > OF_EACH:
            file.close()
            row.delete()
            raise TooManyError
        response = StreamingHttpResponse(
            asynchronously(file) if isinstance(request, ASGIRequest) else file
        )
    response["Content-Type"] = form.content_type
    response["Content-Disposition"] = f'attachment; filename="{name}.{form.suffix}"'
    return response


def _under_way(owner: dict[str, Any]) -> int:
    return Export.objects.beside(owner).alive().count()
