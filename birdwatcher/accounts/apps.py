"""The app `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Describe `birdwatcher.accounts` to Django."""

    name = "birdwatcher.accounts"

    def ready(self) -> None:
        """Connect the signals of log-ins, lockouts, passwords and sessions."""
        from birdwatcher.accounts import authors, guessing, lockout, passwords, sessions  # noqa: F401
