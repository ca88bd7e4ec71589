"""The schema, and the page that shows it."""

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from birdwatcher.accounts.access import reading
from birdwatcher.api import schema
from birdwatcher.api.base import Base
from birdwatcher.api.parameters import refuse_unknown


class Schema(Base):
    """The schema; it is public, as the source is."""

    schema = None
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        """Return the schema as JSON."""
        refuse_unknown(request, ())
        return Response(schema.schema())


# The style sheet of Swagger UI contains its icons as data URLs.
@csp_update({"img-src": ["'self'", "data:"]})  # type: ignore[untyped-decorator]
@reading
def docs(request: HttpRequest) -> HttpResponse:
    """Show the schema, with forms to try out each request."""
    return render(request, "api/docs.html")
