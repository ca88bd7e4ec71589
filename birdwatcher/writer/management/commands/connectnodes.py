"""`./manage.py connectnodes`: the daemon in the foreground."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from birdwatcher.configuration.reload import Reload
from birdwatcher.writer.process import run_writer
from nodeproc.logs.journal import complain
from supervisor.daemon import RefusedError, run_daemon


class Command(BaseCommand):
    """Connects to every enabled node and stores their birds, until a signal ends it."""

    help = (
        "Connect to every enabled node, one process a node, and write their birds to the database. "
        "Runs in the foreground and follows changes of the node table; Ctrl-C or SIGTERM stops it "
        "in order, a second Ctrl-C at once; SIGHUP reads the configuration again. Exit codes: 78 "
        "when it cannot run as configured, 75 when another daemon is in its place, 74 when it "
        "ended and lost events, which the log counts."
    )
    # The checks of models and URLs are the web's; the writer checks the migrations.
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        """Run the daemon; if it cannot run, print one sentence and exit."""
        config = settings.BIRDWATCHER
        try:
            run_daemon(run_writer, config.daemon, config.state_dir, config.places, Reload(config))
        except RefusedError as error:
            complain(str(error))
            sys.exit(error.code)
