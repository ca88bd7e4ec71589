"""The app `simulator`."""

from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    """What Django knows of `birdwatcher.simulator`."""

    name = "birdwatcher.simulator"
    label = "simulator"
