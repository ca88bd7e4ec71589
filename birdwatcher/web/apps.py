"""The app `web`."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """What Django knows of `birdwatcher.web`."""

    name = "birdwatcher.web"
    label = "web"
