"""The app `feed`."""

from django.apps import AppConfig


class FeedConfig(AppConfig):
    """What Django knows of `birdwatcher.feed`."""

    name = "birdwatcher.feed"
    label = "feed"
