"""The birds, to explore and to take along."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from birdwatcher.accounts.access import reading


@reading
def birds(request: HttpRequest) -> HttpResponse:
    """Show the birds that the filters leave."""
    return render(request, "pages/birds.html")


@reading
def export(request: HttpRequest) -> HttpResponse:
    """Send the birds that the filters leave."""
    return HttpResponse(content_type="text/csv")
