"""The forms into which people type a password, with a bound on guessing."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import forms
from django.http import HttpRequest

from birdwatcher.accounts.guessing import check_old_password, check_stranger


class _Bounded:
    """A form to log in that refuses, before it looks at the password, what comes too often."""

    request: HttpRequest | None
    cleaned_data: dict[str, Any]

    def clean(self) -> dict[str, Any]:
        """Return the cleaned data, after the log-in. Raises ValidationError."""
        name = self.cleaned_data.get("username")
        if name and self.request:
            check_stranger(self.request, name)
        cleaned: dict[str, Any] = super().clean()  # type: ignore[misc]
        return cleaned


class LogInForm(_Bounded, forms.AuthenticationForm):
    """The form of the log-in page."""


class AdminLogInForm(_Bounded, AdminAuthenticationForm):
    """The form of the admin's log-in page."""


class PasswordForm(forms.PasswordChangeForm):
    """A new password, with the old one."""

    def clean_old_password(self) -> str:
        """Return the old password. Raises ValidationError."""
        check_old_password(self.user)
        old: str = super().clean_old_password()
        return old
