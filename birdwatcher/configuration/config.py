"""Birdwatcher's configuration, as its `variables` say.

Settings and tests call `load`; nothing else in the project reads the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from birdwatcher.configuration import variables
from birdwatcher.configuration.databases import parse_database_url
from birdwatcher.configuration.secret_key import find_secret_key
from birdwatcher.configuration.sources import gather
from nodeproc.delivery.spoolfile import SPOOL_DIRECTORY
from nodeproc.logs.journal import STDERR, is_journal
from supervisor.metrics.endpoint import Endpoint

BASE_DIR = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Limits:
    """What the daemon keeps to; `settings.BIRDWATCHER`. Sizes in bytes, times in seconds."""

    state_dir: Path
    max_packet_bytes: int
    connect_timeout: float
    backoff_cap: float
    stall_timeout: float
    retained_bytes: int
    spool_bytes: int
    spool_total_bytes: int
    stop_timeout: float
    writer_timeout: float

    @property
    def spool_dir(self) -> Path:
        """Where the node processes keep what cannot be committed yet."""
        return self.state_dir / SPOOL_DIRECTORY


@dataclass(frozen=True)
class Config:
    """The whole configuration, checked."""

    database: dict[str, Any]
    secret_key: str
    debug: bool
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    https: bool
    trust_proxy: bool
    public: bool
    api_rate: int
    api_anonymous_rate: int
    report_every: int  # birds
    time_zone: str
    log_level: str
    log_format: str  # text, json or journal
    web_workers: int
    metrics: Endpoint | None
    limits: Limits


def load(environ: Mapping[str, str]) -> Config:
    """Return the configuration that `environ`, the credentials and the environment file that it
    names describe (see `birdwatcher.configuration.sources`), and make its state directory.

    May be called again, and then reads all of them anew. Raises ImproperlyConfigured with one
    sentence that names the variable and the cure.
    """
    given = gather(environ, [variable.name for variable in variables.VARIABLES])
    debug = variables.DEBUG.read(given)
    https = variables.HTTPS.given(given)
    limits = _limits(given)
    return Config(
        database=parse_database_url(
            variables.DATABASE_URL.given(given)
            or f"sqlite:///{quote(str(limits.state_dir))}/birdwatcher.sqlite3",
            # Django's development server has a thread for every request, which a kept connection
            # would outlive.
            keep_connections=not debug,
        ),
        secret_key=find_secret_key(variables.SECRET_KEY.given(given), limits.state_dir, debug),
        debug=debug,
        allowed_hosts=variables.ALLOWED_HOSTS.read(given),
        csrf_trusted_origins=variables.CSRF_TRUSTED_ORIGINS.read(given),
        https=not debug if https is None else https,
        trust_proxy=variables.TRUST_PROXY.read(given),
        public=variables.PUBLIC.read(given),
        api_rate=variables.API_RATE.read(given),
        api_anonymous_rate=variables.API_ANONYMOUS_RATE.read(given),
        report_every=variables.REPORT_EVERY.read(given),
        time_zone=variables.TIME_ZONE.read(given),
        log_level=variables.LOG_LEVEL.read(given),
        log_format=_log_format(given, environ.get("JOURNAL_STREAM", "")),
        web_workers=variables.WEB_WORKERS.read(given),
        metrics=variables.METRICS.given(given),
        limits=limits,
    )


def _log_format(given: Mapping[str, str], journal_stream: str) -> str:
    log_format = variables.LOG_FORMAT.read(given)
    if log_format != "auto":
        return log_format
    return "journal" if is_journal(STDERR, journal_stream) else "text"


def _limits(environ: Mapping[str, str]) -> Limits:
    return Limits(
        state_dir=_make_state_dir(variables.STATE_DIR.given(environ)),
        max_packet_bytes=variables.MAX_PACKET_BYTES.read(environ),
        connect_timeout=variables.CONNECT_TIMEOUT.read(environ),
        backoff_cap=variables.BACKOFF_CAP.read(environ),
        stall_timeout=variables.STALL_TIMEOUT.read(environ),
        retained_bytes=variables.RETAINED_BYTES.read(environ),
        spool_bytes=variables.SPOOL_BYTES.read(environ),
        spool_total_bytes=variables.SPOOL_TOTAL_BYTES.read(environ),
        stop_timeout=variables.STOP_TIMEOUT.read(environ),
        writer_timeout=variables.WRITER_TIMEOUT.read(environ),
    )


def _make_state_dir(given: str | None) -> Path:
    path = BASE_DIR / variables.STATE_DIR.default if given is None else Path(given)
    try:
        path = path.resolve()
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImproperlyConfigured(
            f"{variables.STATE_DIR.name} is {str(path)!r}, which cannot be made a directory: "
            f"{reason}."
        ) from None
    return path
