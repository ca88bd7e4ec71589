"""The context of every page: links of the navigation, and permissions."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse

from birdwatcher.accounts.access import may_audit, may_operate, may_read

PAGES = {
    "Overview": "pages:overview",
    "Nodes": "pages:nodes",
    "Birds": "pages:birds",
    "Species": "pages:all-species",
    "System": "pages:system",
}


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Return `navigation`, the links that this user may follow, and their permissions."""
    # An error page may be shown before the user is known.
    user = getattr(request, "user", None) or AnonymousUser()
    entries, reads = [], may_read(user)
    if reads:
        entries = [_entry(request, title, reverse(name)) for title, name in PAGES.items()]
    if may_audit(user):
        entries.append(_entry(request, "Audit", reverse("pages:audit")))
    if user.is_active and user.is_staff:
        entries.append(_entry(request, "Admin", reverse("admin:index")))
    return {"navigation": entries, "may_read": reads, "may_operate": may_operate(user)}


def _entry(request: HttpRequest, title: str, url: str) -> dict[str, Any]:
    """Return a link of the navigation; `current` on its page and those below it."""
    under = request.path.startswith(url) and url != reverse("pages:overview")
    return {"title": title, "url": url, "current": under or request.path == url}
