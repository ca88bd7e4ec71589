"""The app `demo`."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """What Django knows of `birdwatcher.demo`."""

    name = "birdwatcher.demo"
    label = "demo"
