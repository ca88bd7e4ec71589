"""The icon, for pages that do not name one, such as the admin's."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe


@cache_control(public=True, max_age=24 * 3600)
@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Redirect to the icon."""
    return redirect(static("pages/bird.svg"))
