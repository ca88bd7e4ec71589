"""The error pages.

Django's own error views read the form of the request for its CSRF token. If the form is what is
wrong, they fail as well.
"""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that the request could not be understood."""
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that the user lacks the permission."""
    return render(request, "403.html", status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that there is no such page."""
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


def failed(_request: HttpRequest) -> HttpResponse:
    """Show that something failed, without the request: reading its user may be what failed."""
    return HttpResponse(render_to_string("500.html"), status=HTTPStatus.INTERNAL_SERVER_ERROR)
