"""The app `api`."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Describe `birdwatcher.api` to Django."""

    name = "birdwatcher.api"
    label = "api"
    verbose_name = "API"
