"""The app `rollups`."""

from django.apps import AppConfig


class RollupsConfig(AppConfig):
    """What Django knows of `birdwatcher.rollups`."""

    name = "birdwatcher.rollups"
    label = "rollups"
