"""The app `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """What Django knows of `birdwatcher.accounts`."""

    name = "birdwatcher.accounts"
    label = "accounts"
