"""The app `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Describe `birdwatcher.accounts` to Django."""

    name = "birdwatcher.accounts"

    def ready(self) -> None:
        """Connect the signals of lockouts and of passwords."""
        from birdwatcher.accounts import lockout, passwords  # noqa: F401
