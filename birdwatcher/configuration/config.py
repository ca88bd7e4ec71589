"""Birdwatcher's configuration: the settings of all its services, and where they are read.

Django's settings, the reloads and tests call `load`; nothing else reads the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from birdwatcher.configuration import sources
from birdwatcher.configuration.databases import parse_database_url
from birdwatcher.configuration.parsers import boolean, choice, time_zone, words
from birdwatcher.configuration.secret_key import find_secret_key
from birdwatcher.configuration.table import read, settings_of, web_setting
from nodeproc.delivery.spoolfile import SPOOL_DIRECTORY
from nodeproc.logs.journal import STDERR, is_journal
from nodeproc.setting import Change, Range, setting
from supervisor.settings import DaemonSettings

BASE_DIR = Path(__file__).resolve().parent.parent.parent
STATE_DIR = "BIRDWATCHER_STATE_DIR"


@dataclass(frozen=True)
class Config:
    """The whole configuration, checked; `settings.BIRDWATCHER`."""

    env_file: str = setting(
        str,
        "",
        "Path of a file with lines `NAME=value`, read for the variables that are neither in the "
        "environment nor a credential. Itself only in the environment.",
        change=Change.RESTART,
    )
    database: dict[str, Any] = setting(  # as Django's DATABASES wants it
        parse_database_url,
        None,
        "The database: `postgresql://user:password@host:5432/name` or `sqlite:////path/to/file`.",
        name="DATABASE_URL",
        shown="sqlite:///<state directory>/birdwatcher.sqlite3",
        secret=True,
        change=Change.RESTART,
    )
    state_dir: Path = setting(
        Path,
        None,
        "Directory of everything Birdwatcher keeps outside PostgreSQL; made if missing. "
        "The default stands beside `manage.py`.",
        shown="./var",
        change=Change.RESTART,
    )
    secret_key: str = web_setting(
        str,
        None,
        "Key that signs sessions, at least 50 random characters. "
        "Needed without debug; with debug one is made and kept in the state directory.",
        secret=True,
    )
    debug: bool = web_setting(
        boolean, "0", "1 shows errors in the browser; never on a public address."
    )
    allowed_hosts: list[str] = web_setting(
        words,
        "localhost,127.0.0.1,[::1]",
        "Host names under which the web UI answers, with commas between them.",
    )
    csrf_trusted_origins: list[str] = web_setting(
        words,
        "",
        "Origins whose forms are accepted, such as `https://birds.example.org`, for a proxy that "
        "changes the host name.",
    )
    https: bool = web_setting(
        boolean,
        None,
        "1 redirects to HTTPS, restricts cookies to it and sends HSTS.",
        shown="1, with debug 0",
    )
    trust_proxy: bool = web_setting(
        boolean,
        "0",
        "1 believes the header `X-Forwarded-Proto`, and the last address in `X-Forwarded-For`; "
        "only behind a proxy that always sets both.",
    )
    public: bool = web_setting(
        boolean,
        "0",
        "1 opens to everybody, without logging in, the pages that only show something, and reading "
        "through the API.",
    )
    api_rate: int = web_setting(
        Range(int, 1, 1_000_000),
        "600",
        "Requests to the API a minute that are granted to each token, and to each user who is "
        "logged in ({}).",
    )
    api_anonymous_rate: int = web_setting(
        Range(int, 1, 1_000_000),
        "60",
        "The same for each address from which requests come without either; of IPv6, for each /64 "
        "network ({}).",
    )
    report_every: int = web_setting(
        Range(int, 1, 1_000_000_000),
        "1000",
        "New birds after which programs that follow the birds are told each node's share and the "
        "total ({}); at most once a second.",
    )
    time_zone: str = web_setting(
        time_zone,
        "UTC",
        "Time zone in which the web UI shows times to a browser that does not tell its own.",
    )
    log_level: str = setting(
        choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "INFO",
        "Least severe messages that are logged: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
    )
    log_format: str = setting(  # text, json or journal
        choice("auto", "text", "json", "journal"),
        "auto",
        "Where and how the log is written: `text` or `json`, one object a line, to standard error; "
        "`journal` to systemd's journal, with fields; `auto`: `journal` if standard error leads "
        "there, otherwise `text`.",
        change=Change.RESTART,
    )
    web_workers: int = web_setting(
        Range(int, 1, 64),
        "2",
        "Processes of the web UI ({}), each of which answers four requests at a time.",
    )
    daemon: DaemonSettings = field(default_factory=DaemonSettings)

    @property
    def spool_dir(self) -> Path:
        """Where the node processes keep what cannot be committed yet."""
        return self.state_dir / SPOOL_DIRECTORY


SETTINGS = tuple(settings_of(Config))


def load(environ: Mapping[str, str]) -> Config:
    """Return the configuration that `environ`, the credentials and the environment file that it
    names describe (see `sources`), and make its state directory.

    May be called again, and then reads all of them anew. Raises ImproperlyConfigured with one
    sentence that names the variable and the cure.
    """
    config = read(Config, sources.gather(environ, [setting.name for setting in SETTINGS]))
    state_dir = _make_state_dir(config.state_dir or BASE_DIR / "var")
    database = config.database or parse_database_url(
        f"sqlite:///{quote(str(state_dir))}/birdwatcher.sqlite3"
    )
    if config.debug:
        # Django's development server has a thread for every request, which a kept connection would
        # outlive.
        database["CONN_MAX_AGE"] = 0
    log_format = config.log_format
    if log_format == "auto":
        stream = environ.get("JOURNAL_STREAM", "")
        log_format = "journal" if is_journal(STDERR, stream) else "text"
    return replace(
        config,
        database=database,
        state_dir=state_dir,
        secret_key=config.secret_key or find_secret_key(state_dir, config.debug),
        https=not config.debug if config.https is None else config.https,
        log_format=log_format,
    )


def _make_state_dir(path: Path) -> Path:
    try:
        path = path.resolve()
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImproperlyConfigured(
            f"{STATE_DIR} is {str(path)!r}, which cannot be made a directory: {reason}."
        ) from None
    return path
