"""All species, and one of them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from birdwatcher.accounts.access import reading
from birdwatcher.birds.models import Species


@reading
def all_species(request: HttpRequest) -> HttpResponse:
    """Show the list of species."""
    return render(request, "pages/all_species.html")


@reading
def species(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one species. Raises Http404 if there is none with the key `pk`."""
    return render(request, "pages/species.html", {"species": get_object_or_404(Species, pk=pk)})
