"""The page of one's own API tokens: list them, make one, revoke them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from birdwatcher.accounts.forms import TokenForm
from birdwatcher.accounts.models import ApiToken
from birdwatcher.audit.models import Action
from birdwatcher.audit.record import record

MOST = 50  # valid tokens of one user
PAST = 20  # that are over, in the list
FULL = f"You have {MOST} valid tokens: revoke one that is not used any more."


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def own_tokens(request: HttpRequest) -> HttpResponse:
    """Show the user's tokens, and make one from the form on that page.

    The new secret is in this response alone, so that no session or cookie stores it.
    """
    user: Any = request.user
    form = TokenForm(request.POST or None, instance=ApiToken(user=user))
    made = _make(user, form) if request.method == "POST" and form.is_valid() else None
    context = {"tokens": _listed(user), "made": made, "most": MOST}
    context["form"] = form if made is None else TokenForm()
    return render(request, "accounts/tokens.html", context)


def _make(user: User, form: TokenForm) -> ApiToken | None:
    """Save the new token; return None, with an error in the form, if the user has too many."""
    with transaction.atomic():
        # One after another, so that two requests at once do not both take the last place.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if ApiToken.objects.valid().filter(user=user).count() < MOST:
            token: ApiToken = form.save()
            record(Action.ADD, [token], f"For {token.get_scope_display()}.")
            return token
    form.add_error(None, FULL)
    return None


def _listed(user: User) -> list[ApiToken]:
    """Return the valid tokens of `user`, then the newest of those that are over."""
    own = ApiToken.objects.filter(user=user).select_related("user")
    valid = list(own.valid()[:MOST])
    over = own.exclude(pk__in=[token.pk for token in valid])
    return [*valid, *over[:PAST]]


@login_required
@require_POST
def revoke(request: HttpRequest, key: int) -> HttpResponseRedirect:
    """Revoke one of the user's tokens for good."""
    token = get_object_or_404(ApiToken, pk=key, user=request.user)
    with transaction.atomic():
        if ApiToken.objects.filter(pk=key, revoked_at=None).update(revoked_at=timezone.now()):
            record(Action.CHANGE, [token], "Revoked.")
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("tokens")
