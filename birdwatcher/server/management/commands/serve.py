"""`./manage.py serve`: the web UI in production."""

import contextlib
import logging
import os
import socket
import sys
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

import django.db
from channels.routing import get_default_application
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection
from gunicorn.util import is_ipv6, parse_address

from birdwatcher.common.database.migrating import lack_of_migrations
from birdwatcher.common.limits import BACKLOG
from birdwatcher.configuration.config import load
from birdwatcher.server.server import serve, systemd_passes_sockets
from nodeproc.logs.journal import complain
from nodeproc.logs.speaker import speaker

DEFAULT_ADDRESS = "127.0.0.1:8000"
ONLY_REDIRECTS = (
    "every page only redirects to HTTPS, since BIRDWATCHER_HTTPS is 1 and BIRDWATCHER_TRUST_PROXY "
    "0: set BIRDWATCHER_TRUST_PROXY=1 behind a proxy that speaks HTTPS, or BIRDWATCHER_HTTPS=0"
)

log = logging.getLogger("birdwatcher.web")


class Command(BaseCommand):
    """Serves the web UI until a signal ends it."""

    help = (
        "Serve the web UI, in the foreground. Ctrl-C or SIGTERM stops it; SIGHUP makes it read its "
        "configuration again. Neither refuses a connection if systemd holds the socket."
    )
    # System checks are for developers, who run `manage.py check`.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the address to `parser`."""
        parser.add_argument(
            "address",
            nargs="?",
            default=DEFAULT_ADDRESS,
            help="HOST:PORT, [HOST]:PORT or PORT to listen on (%(default)s); ignored if systemd "
            "passes sockets",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve; ends the process, with one sentence if it cannot."""
        speaker.become("web")
        _check_database()
        if settings.BIRDWATCHER.https and not settings.BIRDWATCHER.trust_proxy:
            log.warning(ONLY_REDIRECTS)
        # Before the fork, so that workers share it; and during an upgrade the path from which a
        # worker would import it may lead to another release.
        import_module(settings.ROOT_URLCONF)
        _check_migrations()
        serve(
            get_default_application(),
            workers=settings.BIRDWATCHER.web_workers,
            log_level=settings.LOGGING["root"]["level"],
            listener=None if systemd_passes_sockets() else _listen(options["address"]),
            check=lambda: load(os.environ),
        )


def _check_database() -> None:
    """Refuse a database that cannot be used at all; one that is away may come back.

    Raises ImproperlyConfigured. No connection is open afterwards, since workers will be forked.
    """
    with contextlib.suppress(django.db.Error):
        connection.ensure_connection()
    connection.close()


def _check_migrations() -> None:
    """End the process if the database lacks migrations: no page would work.

    While the database is away, the pages say so, and come back with it.
    """
    lack = None
    with contextlib.suppress(django.db.Error):
        lack = lack_of_migrations()
    django.db.connection.close()  # workers must not share it
    if lack:
        complain(lack)
        sys.exit(os.EX_CONFIG)


def _listen(given: str) -> socket.socket:
    try:
        host, port = _parse(given)
        family = socket.AF_INET6 if is_ipv6(host) else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (ValueError, RuntimeError):
        message = f"{given!r} is no address: it must be like {DEFAULT_ADDRESS}, [::1]:8000 or 8000."
    except OSError as error:
        message = f"The web UI cannot listen on {given}: {os.strerror(error.errno or 0).lower()}."
    complain(message)
    sys.exit(os.EX_CONFIG)


def _parse(given: str) -> tuple[str, int]:
    """Return host and port. Raises ValueError or RuntimeError."""
    parsed = parse_address(f"127.0.0.1:{given}" if given.isdigit() else given)
    if not isinstance(parsed, tuple) or not 0 < parsed[1] < 2**16:
        raise ValueError(given)
    return parsed
