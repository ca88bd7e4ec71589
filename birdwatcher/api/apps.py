"""The app `api`."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """What Django knows of `birdwatcher.api`."""

    name = "birdwatcher.api"
    label = "api"
    verbose_name = "API"
