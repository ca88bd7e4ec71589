"""The app `health`."""

from django.apps import AppConfig


class HealthConfig(AppConfig):
    """What Django knows of `birdwatcher.health`."""

    name = "birdwatcher.health"
    label = "health"
