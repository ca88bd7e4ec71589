"""The app `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Describe `birdwatcher.accounts` to Django."""

    name = "birdwatcher.accounts"

    def ready(self) -> None:
        """Connect the signals of lockouts, of passwords and of sessions."""
        from birdwatcher.accounts import lockout, passwords, sessions  # noqa: F401
