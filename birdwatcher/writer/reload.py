"""What the running daemon takes up of a changed configuration."""

import logging
import os
from dataclasses import fields, replace
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from birdwatcher.configuration.config import Config, load
from nodeproc.setting import Change, setting_of
from supervisor.settings import DaemonSettings

log = logging.getLogger("birdwatcher.supervisor")

T = TypeVar("T")


class Reload:
    """Reads the configuration again, for a daemon that was started with `config`."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __call__(self) -> DaemonSettings:
        """Log what has changed, set the log level, and return the daemon's settings.

        Raises ValueError, one sentence, if the configuration is wrong; then nothing has changed.
        """
        try:
            new = load(os.environ)
        except ImproperlyConfigured as error:
            raise ValueError(str(error)) from None
        self._config = _follow(self._config, new)
        logging.getLogger().setLevel(self._config.log_level)
        return self._config.daemon


def _follow(old: T, new: T) -> T:
    """Return `old` with what `new` changes of it and can change without a restart."""
    taken: dict[str, Any] = {}
    for field in fields(old):  # type: ignore[arg-type]
        before, now = getattr(old, field.name), getattr(new, field.name)
        setting = setting_of(field)
        if setting is None:
            taken[field.name] = _follow(before, now)
        elif before == now or setting.change is Change.WEB:
            continue
        elif setting.change is Change.RESTART:  # without its value, which may hold a password
            log.warning("%s has changed, which takes a restart", setting.name)
        else:
            log.info("%s: %s -> %s", setting.name, before, now)
            taken[field.name] = now
    return replace(old, **taken)  # type: ignore[type-var]
