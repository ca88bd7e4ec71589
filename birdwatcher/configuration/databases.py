"""From DATABASE_URL to Django's DATABASES setting."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

POSTGRESQL_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "application_name": "birdwatcher web",
    # Notice within half a minute that the server has vanished.
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

SQLITE_OPTIONS: dict[str, Any] = {
    # A transaction that reads before it writes would fail at once with "database is locked" if
    # another one wrote in between, whatever the timeout. IMMEDIATE waits for the lock at its start.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL: an acknowledged event must survive a loss of power. In WAL mode, NORMAL could lose the
    # last transactions.
    # 64 MiB of cache: a node's birds are scattered over the indexes, and deleting them through
    # SQLite's default of 2 MB holds the lock twice as long.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536",
}

KEEP_CONNECTIONS_SECONDS = 60  # one serves more than one request

MALFORMED = (
    "DATABASE_URL cannot be understood: it must be like postgresql://user:password@host:5432/name "
    "(special characters in the password percent-encoded) or sqlite:////path/to/file."
)


def parse_database_url(url: str) -> dict[str, Any]:
    """Return Django's settings for the database at `url`.

    Parameters in the URL (`?sslmode=require`) win over `POSTGRESQL_OPTIONS`. Raises
    ImproperlyConfigured, one sentence without the password, if the URL is malformed or names
    another kind of database.
    """
    scheme = _scheme(url)
    if scheme == "sqlite":
        return _sqlite(url)
    if scheme in {"postgresql", "postgres"}:
        return _postgresql(url)
    if "://" not in url:
        raise ImproperlyConfigured(MALFORMED)
    raise ImproperlyConfigured(
        "DATABASE_URL names a kind of database that Birdwatcher does not support: "
        "it must begin with postgresql:// or sqlite:///."
    )


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        raise ImproperlyConfigured(MALFORMED) from None


def _sqlite(url: str) -> dict[str, Any]:
    name = unquote(url.removeprefix("sqlite:///"))
    if not url.startswith("sqlite:///") or name in {"", ":memory:"} or "\0" in name:
        raise ImproperlyConfigured(
            "DATABASE_URL must name a file for SQLite, like sqlite:////path/to/file, "
            "because several processes share the database."
        )
    if "?" in url:
        raise ImproperlyConfigured(
            "DATABASE_URL has parameters after a question mark, but takes none for SQLite "
            "(write a question mark in the file's name as %3F)."
        )
    return {
        "ENGINE": "django.db.backends.sqlite3",
        # Absolute, so that it does not depend on the working directory later.
        "NAME": Path(name).absolute(),
        "OPTIONS": SQLITE_OPTIONS.copy(),
    }


def _postgresql(url: str) -> dict[str, Any]:
    try:
        database: dict[str, Any] = dict(
            dj_database_url.parse(
                url, conn_max_age=KEEP_CONNECTIONS_SECONDS, conn_health_checks=True
            )
        )
    except ValueError:
        # The parser's message and the chained exception might quote the password.
        raise ImproperlyConfigured(MALFORMED) from None
    if not database["NAME"]:
        raise ImproperlyConfigured(
            "DATABASE_URL lacks the name of the database: it must end like @host:5432/name."
        )
    database["OPTIONS"] = POSTGRESQL_OPTIONS | database.get("OPTIONS", {})
    return database
