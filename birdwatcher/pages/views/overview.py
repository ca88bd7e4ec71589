"""The overview: what the network hears now."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from birdwatcher.accounts.access import reading


@reading
def overview(request: HttpRequest) -> HttpResponse:
    """Show the overview."""
    return render(request, "pages/overview.html")
