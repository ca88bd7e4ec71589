"""The error pages, also for everything that fails because the database is away.

Django's own error views read the form of the request for its CSRF token. If the form is what is
wrong, they fail as well.
"""

import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from birdwatcher.common.database.troubles import Trouble, trouble_of, troubles
from birdwatcher.health.examination import is_silent

AGAIN = 5  # seconds until the browser asks again, by itself
LOGGED = 200  # characters of a path


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that the request could not be understood."""
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that the user lacks the permission."""
    return render(request, "403.html", status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that there is no such page."""
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


def failed(request: HttpRequest) -> HttpResponse:
    """Show that something failed, or that the database is away.

    Without the request: reading its user may be what failed. Django calls this while it handles the
    error, of whatever view or middleware.
    """
    error = sys.exception()
    trouble = trouble_of(error)
    if error is None or trouble is None:
        return HttpResponse(render_to_string("500.html"), status=HTTPStatus.INTERNAL_SERVER_ERROR)
    # What took too long may not have asked for much: then it is the database.
    if trouble is Trouble.TOO_LONG and is_silent():
        trouble = Trouble.AWAY
    troubles.met(trouble, error, f"{request.method} {request.path[:LOGGED]}")
    reads = request.method in {"GET", "HEAD"}
    again = AGAIN if reads and trouble is not Trouble.TOO_LONG else None
    context = {"trouble": trouble.name, "again": again, "reads": reads}
    text = render_to_string("503.html", context)
    response = HttpResponse(text, status=HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = str(AGAIN)
    response["Cache-Control"] = "no-store"
    # Django would log the error once more, with a traceback for each request.
    response._has_been_logged = True  # noqa: SLF001 Django has no other way
    return response
