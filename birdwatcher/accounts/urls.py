"""The addresses of the log-in, the password, the own tokens and the time zone."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.urls import path

from birdwatcher.accounts.own_tokens import own_tokens, revoke
from birdwatcher.accounts.views import LoginView, PasswordChangeView, set_time_zone

urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", login_required(PasswordChangeView.as_view()), name="password"),
    path("tokens/", own_tokens, name="tokens"),
    path("tokens/<int:key>/revoke/", revoke, name="token-revoke"),
    path("time-zone/", set_time_zone, name="time-zone"),
]
