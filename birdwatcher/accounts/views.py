"""The log-in page, the password, and the time zone."""

from django.contrib import messages
from django.contrib.auth import views
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST

from birdwatcher.accounts.access import is_ours
from birdwatcher.accounts.forms import TimeZoneForm
from birdwatcher.accounts.password_forms import LogInForm, PasswordForm
from birdwatcher.accounts.timezones import remember


class LoginView(views.LoginView):
    """The log-in page."""

    authentication_form = LogInForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True


class PasswordChangeView(views.PasswordChangeView):
    """The form for a new password: viewers cannot use the admin's."""

    form_class = PasswordForm
    template_name = "accounts/password.html"
    success_url = reverse_lazy("pages:overview")

    def form_valid(self, form):
        """Save the new password, and confirm it on the next page."""
        messages.success(self.request, "Your password has been changed.")
        return super().form_valid(form)


@require_POST
def set_time_zone(request: HttpRequest) -> HttpResponseRedirect:
    """Save the time zone that the form in the footer names."""
    form = TimeZoneForm(request.POST)
    valid = form.is_valid()
    response = HttpResponseRedirect(_afterwards(request, form.cleaned_data.get("next", "")))
    if valid:
        remember(response, form.cleaned_data["zone"], secure=request.is_secure())
    else:
        for error in form.errors.get("zone", []):
            messages.error(request, error)
    return response


def _afterwards(request: HttpRequest, wanted: str) -> str:
    """Return the page to open next: the one that is wanted, if it is on this site."""
    return wanted if is_ours(request, wanted) else resolve_url("pages:overview")
