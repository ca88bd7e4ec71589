"""The app `writer`."""

from django.apps import AppConfig


class WriterConfig(AppConfig):
    """What Django knows of `birdwatcher.writer`."""

    name = "birdwatcher.writer"
    label = "writer"
