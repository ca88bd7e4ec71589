"""The app `daemon`."""

from django.apps import AppConfig


class DaemonConfig(AppConfig):
    """What Django knows of `birdwatcher.daemon`."""

    name = "birdwatcher.daemon"
    label = "daemon"
