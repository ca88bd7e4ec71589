"""An export as the response to a request, for the pages and the API."""

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.request import Request

from birdwatcher.accounts.askers import client_address
from birdwatcher.exports.file_formats import Format
from birdwatcher.exports.models import Export
from birdwatcher.exports.places import OF_EACH, TooManyError
from birdwatcher.exports.stream import Download, Source, stream


def owner_of(request: HttpRequest | Request, visitor: str = "") -> dict[str, Any]:
    """Return the owner of an export: the user, or a `visitor` without a log-in at an address."""
    if request.user.is_authenticated:
        return {"user": request.user, "visitor": "", "address": ""}
    # A browser may drop its cookie, but not change its address.
    return {"user": None, "visitor": visitor, "address": str(client_address(request))}


def answer(
    request: HttpRequest, owner: dict[str, Any], source: Source, form: Format, title: str, name: str
) -> StreamingHttpResponse:
    """Return all of `source` as a file called `name`, for `owner` (see `owner_of`).

    `title` describes the content in words. Raises TooManyError, BusyError, django.db.Error.
    """
    if _under_way(owner) >= OF_EACH:
        raise TooManyError
    if request.method == "HEAD":
        # A stream, as for GET, so that no Content-Length is sent.
        response = StreamingHttpResponse(())
    else:
        row = Export(**owner, kind=source.kind, format=form.suffix, title=title[:1024])
        file = Download(stream(row, source, form))
        # Exports that begin at the same moment do not see each other above. Now that the rows are
        # committed, the last one to count sees all of them.
        if _under_way(owner) > OF_EACH:
            file.close()
            row.delete()
            raise TooManyError
        response = StreamingHttpResponse(file)
    response["Content-Type"] = form.content_type
    response["Content-Disposition"] = f'attachment; filename="{name}.{form.suffix}"'
    return response


def _under_way(owner: dict[str, Any]) -> int:
    return Export.objects.beside(owner).alive().count()
