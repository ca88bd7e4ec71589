"""Which page answers at which address."""

from django.contrib import admin
from django.urls import include, path

from birdwatcher.health.views import healthz
from birdwatcher.pages.views.favicon import favicon

handler400 = "birdwatcher.pages.views.errors.bad_request"
handler403 = "birdwatcher.pages.views.errors.forbidden"
handler404 = "birdwatcher.pages.views.errors.not_found"
handler500 = "birdwatcher.pages.views.errors.failed"

admin.site.site_header = admin.site.site_title = "Birdwatcher"
admin.site.enable_nav_sidebar = False  # the lists need the width more
admin.site.index_title = "Nodes, birds and people"

urlpatterns = [
    path("", include("birdwatcher.pages.urls")),
    path("", include("birdwatcher.accounts.urls")),
    path("api/", include("birdwatcher.api.urls")),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("favicon.ico", favicon, name="favicon"),
]
