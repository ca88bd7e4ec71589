"""The schema, and the page that shows it to people."""

from __future__ import annotations

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from birdwatcher.accounts.access import reading
from birdwatcher.api import schema
from birdwatcher.api.queries import refuse_unknown
from birdwatcher.api.views.base import Base


class Schema(Base):
    """The schema; it tells nothing that the program's source does not."""

    schema = None
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        """Answer with the schema in JSON."""
        refuse_unknown(request, ())
        return Response(schema.schema())


# Swagger UI has its small pictures in its style sheet.
@csp_update({"img-src": ["'self'", "data:"]})  # type: ignore[untyped-decorator]
@reading
def docs(request: HttpRequest) -> HttpResponse:
    """Show what can be asked, and try it out."""
    return render(request, "api/docs.html")
