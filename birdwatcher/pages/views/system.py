"""The daemon and what it runs on."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from birdwatcher.accounts.access import reading


@reading
def system(request: HttpRequest) -> HttpResponse:
    """Show the processes of the daemon."""
    return render(request, "pages/system.html")
