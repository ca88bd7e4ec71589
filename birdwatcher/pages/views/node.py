"""One node."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from birdwatcher.accounts.access import reading
from birdwatcher.nodes.models import Node


@reading
def node(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one node. Raises Http404 if there is none with the key `pk`."""
    return render(request, "pages/node.html", {"node": get_object_or_404(Node, pk=pk)})
