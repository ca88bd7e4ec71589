"""The app `staff`."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """What Django knows of `birdwatcher.staff`."""

    name = "birdwatcher.staff"
    label = "staff"
