"""The app `birds`."""

from django.apps import AppConfig


class BirdsConfig(AppConfig):
    """What Django knows of `birdwatcher.birds`."""

    name = "birdwatcher.birds"
    label = "birds"
