"""The addresses of the API, under `/api/`."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from birdwatcher.api.base import NotFound
from birdwatcher.api.birds.views import Birds
from birdwatcher.api.counts.views import Counts, NodeCount, SpeciesCount
from birdwatcher.api.docs import Schema, docs
from birdwatcher.api.history.views import RejectedPackets, StatusChanges
from birdwatcher.api.nodes.views import Nodes
from birdwatcher.api.species.views import AllSpecies

router = SimpleRouter(trailing_slash=False)
router.register("nodes", Nodes, basename="nodes")
router.register("species", AllSpecies, basename="species")
router.register("birds", Birds, basename="birds")
router.register("rejected-packets", RejectedPackets, basename="rejected-packets")
router.register("status-changes", StatusChanges, basename="status-changes")

app_name = "api"
urlpatterns = [
    path("v1/", docs, name="docs"),
    re_path("^v1/schema/?$", Schema.as_view(), name="schema"),
    path("v1/nodes/<int:id>/count", NodeCount.as_view(), name="node-count"),
    path("v1/species/<int:id>/count", SpeciesCount.as_view(), name="species-count"),
    path("v1/counts", Counts.as_view(), name="counts"),
    path("v1/", include(router.urls)),
    # Here too, so that no address without a last "/" is led to a page.
    re_path("", NotFound.as_view()),
]
