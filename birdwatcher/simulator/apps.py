"""The Django app of the simulator."""

from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    """Brings the commands `runnodes` and `demo`."""

    name = "birdwatcher.simulator"
    label = "simulator"
