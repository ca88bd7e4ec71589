"""Every variable that Birdwatcher reads, in one table.

The README's table and `systemd/birdwatcher.env` show `VARIABLES`.
"""

from __future__ import annotations

from typing import Any

from birdwatcher.configuration.environment import (
    Variable,
    boolean,
    choice,
    number,
    text,
    time_zone,
    whole_number,
    words,
)
from birdwatcher.configuration.sources import ENV_FILE as ENV_FILE_NAME
from supervisor.metrics.endpoint import parse_endpoint

ENV_FILE = Variable(
    ENV_FILE_NAME,
    "",
    "Path of a file with lines `NAME=value`, read for the variables that are neither in the "
    "environment nor a credential. Itself only in the environment.",
    text,
)
DATABASE_URL = Variable(
    "DATABASE_URL",
    "sqlite:///<state directory>/birdwatcher.sqlite3",
    "The database: `postgresql://user:password@host:5432/name` or `sqlite:////path/to/file`.",
    text,
    secret=True,
)
STATE_DIR = Variable(
    "BIRDWATCHER_STATE_DIR",
    "./var",
    "Directory of everything Birdwatcher keeps outside PostgreSQL; made if missing. "
    "The default stands beside `manage.py`.",
    text,
)
SECRET_KEY = Variable(
    "BIRDWATCHER_SECRET_KEY",
    "",
    "Key that signs sessions, at least 50 random characters. "
    "Needed without debug; with debug one is made and kept in the state directory.",
    text,
    secret=True,
)
DEBUG = Variable(
    "BIRDWATCHER_DEBUG", "0", "1 shows errors in the browser; never on a public address.", boolean
)
ALLOWED_HOSTS = Variable(
    "BIRDWATCHER_ALLOWED_HOSTS",
    "localhost,127.0.0.1,[::1]",
    "Host names under which the web UI answers, with commas between them.",
    words,
)
CSRF_TRUSTED_ORIGINS = Variable(
    "BIRDWATCHER_CSRF_TRUSTED_ORIGINS",
    "",
    "Origins whose forms are accepted, such as `https://birds.example.org`, for a proxy that "
    "changes the host name.",
    words,
)
HTTPS = Variable(
    "BIRDWATCHER_HTTPS",
    "1, with debug 0",
    "1 redirects to HTTPS, restricts cookies to it and sends HSTS.",
    boolean,
)
TRUST_PROXY = Variable(
    "BIRDWATCHER_TRUST_PROXY",
    "0",
    "1 believes the header `X-Forwarded-Proto`, and the last address in `X-Forwarded-For`; only "
    "behind a proxy that always sets both.",
    boolean,
)
PUBLIC = Variable(
    "BIRDWATCHER_PUBLIC",
    "0",
    "1 opens to everybody, without logging in, the pages that only show something, and reading "
    "through the API.",
    boolean,
)
API_RATE = Variable(
    "BIRDWATCHER_API_RATE",
    "600",
    "Requests to the API a minute that are granted to each token, and to each user who is logged "
    "in (1 to 1000000).",
    whole_number(1, 1_000_000),
)
API_ANONYMOUS_RATE = Variable(
    "BIRDWATCHER_API_ANONYMOUS_RATE",
    "60",
    "The same for each address from which requests come without either; of IPv6, for each /64 "
    "network (1 to 1000000).",
    whole_number(1, 1_000_000),
)
REPORT_EVERY = Variable(
    "BIRDWATCHER_REPORT_EVERY",
    "1000",
    "New birds after which programs that follow the birds are told each node's share and the total "
    "(1 to 1000000000); at most once a second.",
    whole_number(1, 1_000_000_000),
)
TIME_ZONE = Variable(
    "BIRDWATCHER_TIME_ZONE",
    "UTC",
    "Time zone in which the web UI shows times to a browser that does not tell its own.",
    time_zone,
)
LOG_LEVEL = Variable(
    "BIRDWATCHER_LOG_LEVEL",
    "INFO",
    "Least severe messages that are logged: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
    choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
)
LOG_FORMAT = Variable(
    "BIRDWATCHER_LOG_FORMAT",
    "auto",
    "Where and how the log is written: `text` or `json`, one object a line, to standard error; "
    "`journal` to systemd's journal, with fields; `auto`: `journal` if standard error leads there, "
    "otherwise `text`.",
    choice("auto", "text", "json", "journal"),
)
METRICS = Variable(
    "BIRDWATCHER_METRICS",
    "",
    "Where the daemon serves its metrics to Prometheus: `127.0.0.1:9750`, `[::1]:9750` or "
    "`unix:/run/birdwatcher/metrics.sock`; nowhere if it is not set. Only addresses that no other "
    "machine reaches, because no password is asked for.",
    parse_endpoint,
)
MAX_PACKET_BYTES = Variable(
    "BIRDWATCHER_MAX_PACKET_BYTES",
    "65536",
    "Longest packet that a node may send, in bytes (2 to 16777216); a longer one closes its "
    "connection.",
    whole_number(2, 16 * 1024 * 1024),
)
CONNECT_TIMEOUT = Variable(
    "BIRDWATCHER_CONNECT_TIMEOUT",
    "2.5",
    "Seconds that connecting to a node may take (0.1 to 60).",
    number(0.1, 60),
)
BACKOFF_CAP = Variable(
    "BIRDWATCHER_BACKOFF_CAP",
    "3",
    "Longest pause, in seconds, before a node is tried again (0.1 to 3600).",
    number(0.1, 3600),
)
STALL_TIMEOUT = Variable(
    "BIRDWATCHER_STALL_TIMEOUT",
    "30",
    "Seconds without a byte in the middle of a packet before the connection is given up "
    "(0.1 to 3600).",
    number(0.1, 3600),
)
RETAINED_BYTES = Variable(
    "BIRDWATCHER_RETAINED_BYTES",
    "1048576",
    "Bytes of events that each node's process keeps in memory until they are committed "
    "(65536 to 1073741824).",
    whole_number(64 * 1024, 1024 * 1024 * 1024),
)
SPOOL_BYTES = Variable(
    "BIRDWATCHER_SPOOL_BYTES",
    "67108864",
    "Bytes that each node's spool may hold while nothing can be committed "
    "(65536 to 1099511627776); beyond that the node has to wait.",
    whole_number(64 * 1024, 1024**4),
)
SPOOL_TOTAL_BYTES = Variable(
    "BIRDWATCHER_SPOOL_TOTAL_BYTES",
    "1073741824",
    "Bytes that all spools may hold together (65536 to 1099511627776), and at most 1 MiB a node "
    "more.",
    whole_number(64 * 1024, 1024**4),
)
WEB_WORKERS = Variable(
    "BIRDWATCHER_WEB_WORKERS",
    "2",
    "Processes of the web UI (1 to 64), each of which answers four requests at a time.",
    whole_number(1, 64),
)
STOP_TIMEOUT = Variable(
    "BIRDWATCHER_STOP_TIMEOUT",
    "10",
    "Seconds that the daemon may take to stop before its processes are killed (0.1 to 3600).",
    number(0.1, 3600),
)
WRITER_TIMEOUT = Variable(
    "BIRDWATCHER_WRITER_TIMEOUT",
    "60",
    "Seconds without a sign of life after which the writer is killed and replaced (10 to 3600).",
    number(10, 3600),
)

VARIABLES: tuple[Variable[Any], ...] = (
    ENV_FILE,
    DATABASE_URL,
    STATE_DIR,
    SECRET_KEY,
    DEBUG,
    ALLOWED_HOSTS,
    CSRF_TRUSTED_ORIGINS,
    HTTPS,
    TRUST_PROXY,
    PUBLIC,
    API_RATE,
    API_ANONYMOUS_RATE,
    REPORT_EVERY,
    TIME_ZONE,
    LOG_LEVEL,
    LOG_FORMAT,
    WEB_WORKERS,
    METRICS,
    MAX_PACKET_BYTES,
    CONNECT_TIMEOUT,
    BACKOFF_CAP,
    STALL_TIMEOUT,
    RETAINED_BYTES,
    SPOOL_BYTES,
    SPOOL_TOTAL_BYTES,
    STOP_TIMEOUT,
    WRITER_TIMEOUT,
)
