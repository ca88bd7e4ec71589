"""The addresses of the pages."""

from django.urls import path

from birdwatcher.pages.audit import views as audit
from birdwatcher.pages.birds import exports
from birdwatcher.pages.birds import views as birds
from birdwatcher.pages.nodes import actions, set_aside
from birdwatcher.pages.nodes import views as nodes
from birdwatcher.pages.overview import views as overview
from birdwatcher.pages.species import views as species
from birdwatcher.pages.system import views as system

app_name = "pages"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("nodes/", nodes.nodes, name="nodes"),
    path("nodes/act/", actions.act, name="nodes-act"),
    path("nodes/<int:pk>/", nodes.node, name="node"),
    path("nodes/<int:pk>/set-aside/", set_aside.page, name="node-set-aside"),
    path("nodes/<int:pk>/set-aside/act/", set_aside.act, name="node-set-aside-act"),
    path("birds/", birds.birds, name="birds"),
    path("birds/export/", exports.export, name="birds-export"),
    path("birds/exports/", exports.exports, name="birds-exports"),
    path("species/", species.all_species, name="all-species"),
    path("species/<int:pk>/", species.species, name="species"),
    path("system/", system.system, name="system"),
    path("audit/", audit.audit, name="audit"),
    path("audit/export/", audit.export, name="audit-export"),
]
