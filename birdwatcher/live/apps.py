"""The app `live`."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """What Django knows of `birdwatcher.live`."""

    name = "birdwatcher.live"
    label = "live"
