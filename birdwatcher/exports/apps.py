"""The app `exports`."""

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    """What Django knows of `birdwatcher.exports`."""

    name = "birdwatcher.exports"
    label = "exports"
