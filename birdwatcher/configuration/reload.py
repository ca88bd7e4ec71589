"""The daemon's reload of its configuration."""

import logging
import os

from django.core.exceptions import ImproperlyConfigured

from birdwatcher.configuration.config import Config, load
from birdwatcher.configuration.table import follow
from supervisor.settings import DaemonSettings

log = logging.getLogger("birdwatcher.supervisor")


class Reload:
    """Reads the configuration again, for a daemon that started with `config`."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __call__(self) -> DaemonSettings:
        """Log what has changed, set the log level, and return the daemon's settings.

        Raises ValueError, one sentence, if the configuration is wrong; then nothing changes.
        """
        try:
            new = load(os.environ)
        except ImproperlyConfigured as error:
            raise ValueError(str(error)) from None
        self._config = follow(self._config, new, log)
        logging.getLogger().setLevel(self._config.log_level)
        return self._config.daemon
