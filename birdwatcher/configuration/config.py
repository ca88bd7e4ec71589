"""Birdwatcher's configuration: the settings of all its services.

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
from birdwatcher.configuration.parsers import boolean, choice, path_prefix, time_zone, words
from birdwatcher.configuration.secret_key import find_secret_key
from birdwatcher.configuration.table import read, settings_of, web_setting
from nodeproc.delivery.spoolfile import SPOOL_DIRECTORY
from nodeproc.limits import MIB
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
        "Path of a file with lines `NAME=value`, which is read for the variables that neither the "
        "environment nor a credential sets. Only the environment can set this one.",
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
        "Directory for everything that Birdwatcher keeps outside PostgreSQL; made if missing. "
        "The default is beside `manage.py`.",
        shown="./var",
        change=Change.RESTART,
    )
    secret_key: str = web_setting(
        str,
        None,
        "Key that signs sessions, at least 50 random characters. "
        "Required without debug; with debug, one is made and kept in the state directory.",
        secret=True,
    )
    debug: bool = web_setting(
        boolean, "0", "1 shows errors in the browser; never set it on a public address."
    )
    allowed_hosts: list[str] = web_setting(
        words,
        "localhost,127.0.0.1,[::1]",
        "Host names under which the web UI answers, separated by commas.",
    )
    csrf_trusted_origins: list[str] = web_setting(
        words,
        "",
        "Origins whose forms are accepted, such as `https://birds.example.org`, separated by "
        "commas; needed behind a proxy that changes the host name.",
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
        "1 trusts the header `X-Forwarded-Proto` and the last address in `X-Forwarded-For`; set it "
        "only behind a proxy that always sets both.",
    )
    path_prefix: str = web_setting(
        path_prefix,
        "",
        "Path under which the web UI answers, such as `/birdwatcher`, if a proxy serves something "
        "else at `/`. The proxy must pass the path on unchanged.",
    )
    public: bool = web_setting(
        boolean,
        "0",
        "1 lets everybody, without logging in, see the pages that only show something, and read "
        "through the API.",
    )
    api_rate: int = web_setting(
        Range(int, 1, 1_000_000),
        "600",
        "Requests per minute that the API grants to each token, and to each user who is logged in "
        "({}).",
    )
    api_anonymous_rate: int = web_setting(
        Range(int, 1, 1_000_000),
        "60",
        "Requests per minute that the API grants to each address without a token or a login; for "
        "IPv6, to each /64 network ({}).",
    )
    token_days: int = web_setting(
        Range(int, 1, 3650),
        "90",
        "Days after which a new API token ends, if its maker gives no other end ({}).",
    )
    request_timeout: float = web_setting(
        Range(float, 0.1, 600),
        "10",
        "Seconds until a page, or an answer of the API that changes nothing, must begin ({}); then "
        "its queries are ended, and the visitor gets a page that says so. Files that are being "
        "sent and live birds are not cut off.",
    )
    report_every: int = web_setting(
        Range(int, 1, 1_000_000_000),
        "1000",
        "Number of new birds after which programs that follow the birds get each node's share and "
        "the total ({}); at most once a second.",
    )
    time_zone: str = web_setting(
        time_zone,
        "UTC",
        "Time zone in which the web UI shows times to a browser that does not send its own.",
    )
    log_level: str = setting(
        choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "INFO",
        "Lowest level of messages that are logged: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
    )
    log_format: str = setting(  # text, json or journal
        choice("auto", "text", "json", "journal"),
        "auto",
        "Format of the log: `text` or `json`, one object per line, on standard error; `journal`, "
        "with fields, in systemd's journal; `auto` means `journal` if standard error leads there, "
        "and `text` otherwise.",
        change=Change.RESTART,
    )
    web_workers: int = web_setting(
        Range(int, 1, 64),
        "2",
        "Number of web UI processes ({}), each of which answers four requests at a time.",
    )
    new_species_a_day: int = setting(
        Range(int, 0, 1_000_000),
        "500",
        "New species that the events of each node may name in a day, by UTC ({}); a node may have "
        "a number of its own. Events beyond are set aside until somebody adopts or discards them.",
        change=Change.RESTART,
    )
    set_aside_bytes: int = setting(
        Range(int, 0, 64 * 1024 * MIB),
        "67108864",
        "Bytes of events that are set aside of each node ({}); events beyond are counted as "
        "rejected.",
        change=Change.RESTART,
    )
    daemon: DaemonSettings = field(default_factory=DaemonSettings)

    @property
    def spool_dir(self) -> Path:
        """The directory of the spools: what the node processes cannot commit yet."""
        return self.state_dir / SPOOL_DIRECTORY

    @property
    def places(self) -> dict[str, Path]:
        """The directories that the daemon fills, by their use; not that of a PostgreSQL server."""
        is_sqlite = "sqlite" in self.database["ENGINE"]
        database = {"database": Path(self.database["NAME"]).parent} if is_sqlite else {}
        return database | {"spools": self.spool_dir, "state directory": self.state_dir}


SETTINGS = tuple(settings_of(Config))


def load(environ: Mapping[str, str]) -> Config:
    """Read the configuration from `environ`, and from the credentials and the environment file that
    it names (see `sources`); make the state directory.

    Every call reads them anew. Raises ImproperlyConfigured with one sentence that names the
    variable and the cure.
    """
    config = read(Config, sources.gather(environ, [setting.name for setting in SETTINGS]))
    state_dir = _make_state_dir(config.state_dir or BASE_DIR / "var")
    database = config.database or parse_database_url(
        f"sqlite:///{quote(str(state_dir))}/birdwatcher.sqlite3"
    )
    if config.debug:
        # The development server starts a thread per request, which a kept connection would outlive.
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
