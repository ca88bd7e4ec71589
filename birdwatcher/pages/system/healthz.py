"""`/healthz`: the verdict for load balancers and monitoring; one word for the public."""

import django.db
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from birdwatcher.health.examination import examine
from birdwatcher.health.judgement import Grade, Verdict

TEXT, JSON = "text/plain", "application/json"


@require_safe
def healthz(request: HttpRequest) -> HttpResponseBase:
    """Answer 200 for OK and WARNING, else 503; staff also get the reason."""
    verdict = examine()
    response = _body(request, verdict)
    response.status_code = 200 if verdict.grade <= Grade.WARNING else 503
    response["Cache-Control"] = "no-store"
    # Django would log an error each time that monitoring asks.
    response._has_been_logged = True  # noqa: SLF001 Django has no other way
    patch_vary_headers(response, ["Accept", "Cookie"])
    return response


def _body(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    if not _may_know(request, verdict):
        return HttpResponse(f"{verdict.word}\n", content_type=f"{TEXT}; charset=utf-8")
    if request.get_preferred_type([TEXT, JSON]) == JSON:
        return JsonResponse(verdict.as_dict())
    return HttpResponse(f"{verdict.line}\n", content_type=f"{TEXT}; charset=utf-8")


def _may_know(request: HttpRequest, verdict: Verdict) -> bool:
    """Return whether the user is staff; without a database, this cannot be known."""
    if verdict.facts is None:
        return False
    try:
        return request.user.is_active and request.user.is_staff
    except django.db.Error:  # the database went away since the examination
        return False
