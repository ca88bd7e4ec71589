"""`./manage.py connectnodes`: the daemon in the foreground."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from birdwatcher.writer.process import run_writer
from nodeproc.spool import SpoolLimits
from nodeproc.task import NodeLimits
from supervisor.daemon import DaemonLimits, RefusedError, run_daemon

# Of the time to stop, what a node process may spend waiting for its last acknowledgements.
DRAIN_SHARE = 0.4


class Command(BaseCommand):
    """Connects to every enabled node and keeps their birds, until a signal ends it."""

    help = (
        "Connect to every enabled node, one process a node, and write their birds to the database. "
        "Runs in the foreground and follows changes of the node table; Ctrl-C or SIGTERM stops it "
        "in order, a second Ctrl-C at once."
    )
    # The checks of models and URLs are the web's; the writer checks the migrations.
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        """Run the daemon. Raises CommandError with one sentence if it cannot run."""
        limits = settings.BIRDWATCHER
        node = NodeLimits(
            max_packet_bytes=limits.max_packet_bytes,
            connect_timeout=limits.connect_timeout,
            backoff_cap=limits.backoff_cap,
            stall_timeout=limits.stall_timeout,
            retained_bytes=limits.retained_bytes,
            drain_timeout=limits.stop_timeout * DRAIN_SHARE,
        )
        spool = SpoolLimits(limits.spool_dir, limits.spool_bytes, limits.spool_total_bytes)
        try:
            run_daemon(
                run_writer,
                DaemonLimits(node, spool, stop_timeout=limits.stop_timeout),
                limits.state_dir,
                settings.BIRDWATCHER_METRICS,
            )
        except RefusedError as error:
            raise CommandError(str(error)) from None
