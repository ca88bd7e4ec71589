"""The admin's pages about tokens: where they are made, shown once, and revoked."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import ForeignKey, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from birdwatcher.accounts import tokens
from birdwatcher.accounts.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Tokens. Whom one belongs to and what it is for at most stays as it was when it was made."""

    list_display = ["name", "user", "scope", "begins_with", "state", "created_at", "expires_at"]
    list_display += ["last_used_at"]
    list_filter = ["scope"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    search_help_text = "A part of a token's name, its first characters, or its user."
    fields = ["user", "name", "scope", "expires_at"]
    said = ["begins_with", "state", "created_at", "last_used_at", "revoked_at"]
    autocomplete_fields = ["user"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> list[Any]:
        """Return what the form shows: a token that is only being made has no past."""
        return self.fields if obj is None else [*self.fields, *self.said]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> list[Any]:
        """Return what cannot be changed."""
        return self.said if obj is None else ["user", "scope", *self.said]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        """Return the field of the user: nobody gets a superuser's powers by making a token."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and not request.user.is_superuser:
            field.queryset = field.queryset.filter(is_superuser=False)
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the token; a new one gets its secret, which only `obj` knows until it is shown.

        Of another one what was edited: it may have been revoked since it was read.
        """
        if change:
            obj.save(update_fields=form.changed_data)
            return
        obj.secret = tokens.renew(obj)
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret in the answer itself, so that it is kept neither in a session nor a
        cookie on its way to another page."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Token made",
            "token": obj,
        }
        return TemplateResponse(request, "staff/token_secret.html", context)

    @admin.display(ordering="prefix")
    def begins_with(self, token: ApiToken) -> str:
        """The first characters of the secret."""
        return f"{token.prefix}…"

    @admin.display
    def state(self, token: ApiToken) -> str:
        """Whether one may ask with it, in a word."""
        if token.revoked_at:
            return "revoked"
        if token.expires_at and token.expires_at <= timezone.now():
            return "expired"
        return "valid" if token.user.is_active else "its user is not active"

    @admin.action(description="Revoke selected tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Let nobody ask with the chosen tokens any more; it cannot be undone."""
        chosen = list(queryset.filter(revoked_at=None))
        revoked = [it.pk for it in chosen]
        ApiToken.objects.filter(pk__in=revoked).update(revoked_at=timezone.now())
        for token in chosen:
            self.log_change(request, token, "Revoked.")
        plural = "token" if len(chosen) == 1 else "tokens"
        self.message_user(request, f"Revoked {len(chosen)} {plural}.", messages.SUCCESS)
