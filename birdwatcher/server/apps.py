"""The app `server`."""

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """What Django knows of `birdwatcher.server`."""

    name = "birdwatcher.server"
    label = "server"
