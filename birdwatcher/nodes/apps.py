"""The app `nodes`."""

from django.apps import AppConfig


class NodesConfig(AppConfig):
    """What Django knows of `birdwatcher.nodes`."""

    name = "birdwatcher.nodes"
    label = "nodes"
