"""All nodes and how they fare."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from birdwatcher.accounts.access import reading


@reading
def nodes(request: HttpRequest) -> HttpResponse:
    """Show the list of nodes."""
    return render(request, "pages/nodes.html")
