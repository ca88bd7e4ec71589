"""The admin's pages about API tokens: create them, show them once, revoke them."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from birdwatcher.accounts import tokens
from birdwatcher.accounts.handing_on import beyond
from birdwatcher.accounts.models import ApiToken
from birdwatcher.audit.models import Action
from birdwatcher.audit.record import record
from birdwatcher.staff.reach import ReachAdmin


@admin.register(ApiToken)
class ApiTokenAdmin(ReachAdmin):
    """Tokens of devices, and of users within the editor's reach; owner and scope stay as made."""

    list_display = ["name", "owner", "scope", "begins_with", "state", "created_at", "expires_at"]
    list_display += ["last_used_at"]
    list_filter = ["scope"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username", "device"]
    search_help_text = (
        "Part of a token's name, of its first characters, of its user's name or of its device."
    )
    fields = ["user", "device_kind", "device", "name", "scope", "expires_at"]
    said = ["begins_with", "state", "created_at", "last_used_at", "revoked_at"]
    owned = ["user", "device_kind", "device"]
    autocomplete_fields = ["user"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> list[Any]:
        """Return the fields of the form; a new token has no past to show."""
        return self.fields if obj is None else [*self.fields, *self.said]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> list[Any]:
        """Return the read-only fields."""
        return self.said if obj is None else [*self.owned, "scope", *self.said]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the token; a new one gets its secret, which only `obj` has until it is shown.

        For an existing one, save only the edited fields: it may have been revoked meanwhile.
        """
        if change:
            if obj.user is not None:
                obj.expires_at = obj.expires_at or tokens.default_end()
            obj.save(update_fields=form.changed_data)
            return
        obj.secret = tokens.renew(obj)
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret in this response, so that no session or cookie stores it."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Token created",
            "token": obj,
        }
        return TemplateResponse(request, "staff/token_secret.html", context)

    @admin.display(ordering="prefix")
    def begins_with(self, token: ApiToken) -> str:
        """Return the first characters of the secret."""
        return f"{token.prefix}…"

    @admin.display
    def state(self, token: ApiToken) -> str:
        """Return whether the token is valid, in words."""
        return token.state

    @admin.action(description="Revoke selected tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke the chosen tokens for good."""
        others = beyond(request.user, ApiToken).values("pk")
        chosen = list(queryset.filter(revoked_at=None).exclude(pk__in=others))
        revoked = [it.pk for it in chosen]
        with transaction.atomic():
            ApiToken.objects.filter(pk__in=revoked).update(revoked_at=timezone.now())
            if chosen:
                record(Action.CHANGE, chosen, "Revoked.")
        plural = "token" if len(chosen) == 1 else "tokens"
        self.message_user(request, f"Revoked {len(chosen)} {plural}.", messages.SUCCESS)
