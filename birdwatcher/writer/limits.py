"""The daemon's limits, from the configuration as it is at the start and at each reload."""

from __future__ import annotations

import dataclasses
import logging
import os

from django.core.exceptions import ImproperlyConfigured

from birdwatcher.configuration import config, variables
from nodeproc.limits import NodeLimits
from supervisor.daemon import DaemonLimits

log = logging.getLogger("birdwatcher.supervisor")


class DaemonConfiguration:
    """What the daemon was started with, and what of it can change while it runs."""

    def __init__(self) -> None:
        """Read the configuration. Raises ImproperlyConfigured."""
        self._config = config.load(os.environ)

    @property
    def limits(self) -> DaemonLimits:
        """The limits as last read."""
        limits = self._config.limits
        node = NodeLimits(
            max_packet_bytes=limits.max_packet_bytes,
            connect_timeout=limits.connect_timeout,
            backoff_cap=limits.backoff_cap,
            stall_timeout=limits.stall_timeout,
            retained_bytes=limits.retained_bytes,
            spool_bytes=limits.spool_bytes,
            spool_total_bytes=limits.spool_total_bytes,
            stop_timeout=limits.stop_timeout,
        )
        return DaemonLimits(node, limits.writer_timeout)

    def reload(self) -> DaemonLimits:
        """Read the configuration again, say what changed, and return the limits that hold now.

        Raises ValueError, one sentence, if it is wrong; then the old one stays.
        """
        try:
            new = config.load(os.environ)
        except ImproperlyConfigured as error:
            raise ValueError(str(error)) from None
        old, fixed = self._config, self._config.limits.state_dir
        for name, before, now in (
            (variables.DATABASE_URL.name, old.database, new.database),
            (variables.STATE_DIR.name, fixed, new.limits.state_dir),
            (variables.LOG_FORMAT.name, old.log_format, new.log_format),
            (variables.METRICS.name, old.metrics, new.metrics),
        ):
            if before != now:  # and never what: the database's password may be in it
                log.warning("%s has changed, which takes a restart", name)
        limits = dataclasses.replace(new.limits, state_dir=fixed)
        for field in dataclasses.fields(limits):
            _tell_change(field.name, getattr(old.limits, field.name), getattr(limits, field.name))
        _tell_change("log_level", old.log_level, new.log_level)
        self._config = dataclasses.replace(old, limits=limits, log_level=new.log_level)
        logging.getLogger().setLevel(new.log_level)
        return self.limits


def _tell_change(field: str, before: object, now: object) -> None:
    if before != now:
        log.info("BIRDWATCHER_%s: %s -> %s", field.upper(), before, now)
