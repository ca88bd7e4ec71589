"""The app `pages`."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """What Django knows of `birdwatcher.pages`."""

    name = "birdwatcher.pages"
    label = "pages"
