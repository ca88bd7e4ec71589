"""What the admin takes from addresses and forms, where Django's own ways lose or fail."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponseBase

ENCODED_NULL = "%00"


class NullMiddleware:
    """Refuse addresses of the admin with a null character.

    Django's filters and its search for related objects would pass it on to the database, and
    PostgreSQL fails on it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Raise BadRequest if an address of the admin has a null character."""
        match = request.resolver_match
        if match and "admin" in match.app_names and ENCODED_NULL in request.META["QUERY_STRING"]:
            raise BadRequest("The address has a null character.")


class NamedForm(forms.ModelForm):
    """A form with a `name` that a node may have sent: unless it is edited, it stays as it is.

    A browser takes line breaks out of a field of one line. Of what people type, spaces at both ends
    are left out, as everywhere in the admin.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:  # not if it is only shown
            self.fields["name"].strip = False

    def clean_name(self) -> str:
        """Return the name. Raises ValidationError if nothing but spaces was typed."""
        typed: str = self.cleaned_data["name"]
        before: str = self.initial.get("name") or ""
        if typed == _as_browsers_send(before):
            return before
        if name := typed.strip():
            return name
        raise ValidationError(self.fields["name"].error_messages["required"], "required")


def _as_browsers_send(text: str) -> str:
    """Return the value of `<input type="text">` with `text` (HTML standard, 4.10.5.1.2)."""
    return text.replace("\r", "").replace("\n", "")
