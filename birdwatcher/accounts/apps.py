"""The app `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Describe `birdwatcher.accounts` to Django."""

    name = "birdwatcher.accounts"

    def ready(self) -> None:
        """Connect the signal of lockouts."""
        from birdwatcher.accounts import lockout  # noqa: F401
