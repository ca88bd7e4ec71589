"""Which page answers at which address."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from birdwatcher.accounts.password_forms import AdminLogInForm
from birdwatcher.pages.favicon import favicon
from birdwatcher.pages.system.healthz import healthz

handler400 = "birdwatcher.pages.errors.bad_request"
handler403 = "birdwatcher.pages.errors.forbidden"
handler404 = "birdwatcher.pages.errors.not_found"
handler500 = "birdwatcher.pages.errors.failed"

admin.site.site_header = admin.site.site_title = "Birdwatcher"
admin.site.login_form = AdminLogInForm
admin.site.enable_nav_sidebar = False  # the lists need the width more
admin.site.site_url = settings.ROOT
admin.site.index_title = "Nodes, birds and people"

moved = RedirectView.as_view(url=f"{settings.ROOT}admin/accounts/%(rest)s", query_string=True)

urlpatterns = [
    path("", include("birdwatcher.pages.urls")),
    path("", include("birdwatcher.accounts.urls")),
    path("api/", include("birdwatcher.api.urls")),
    # Bookmarks of the tokens' old address go on working.
    re_path("^admin/api/(?P<rest>.*)$", moved),
    # One page for it, with a bound on guessing.
    path("admin/password_change/", RedirectView.as_view(pattern_name="password")),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("favicon.ico", favicon, name="favicon"),
]
