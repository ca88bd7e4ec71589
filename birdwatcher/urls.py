"""Which page answers at which address."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from birdwatcher.health.views import healthz

admin.site.site_header = admin.site.site_title = "Birdwatcher"
admin.site.enable_nav_sidebar = False  # the lists need the width more
admin.site.index_title = "Nodes, birds and people"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
]
