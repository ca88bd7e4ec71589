"""The app `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """What Django knows of `birdwatcher.accounts`."""

    name = "birdwatcher.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Listen for those who are locked out."""
        from birdwatcher.accounts import throttle  # noqa: F401
