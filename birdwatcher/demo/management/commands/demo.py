"""`manage.py demo`: all services and simulated nodes, on this computer only."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from birdwatcher.configuration.config import BASE_DIR
from birdwatcher.demo.environment import complete
from birdwatcher.demo.show import Demo, DemoError, Ports
from birdwatcher.simulator.options import Distinct, port_number


class Command(BaseCommand):
    """Shows Birdwatcher at work until Ctrl-C."""

    help = (
        "Starts the web UI, two simulated nodes and the daemon, prints birds as they arrive, and "
        "stops everything at Ctrl-C. Uses a SQLite database in a state directory of its own: "
        "var/demo, unless BIRDWATCHER_STATE_DIR names one. DATABASE_URL is ignored."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options to `parser`."""
        parser.add_argument(
            "--web-port", type=port_number, default=8000, metavar="PORT", help="of the web UI"
        )
        parser.add_argument(
            "--node-ports",
            type=port_number,
            nargs=3,
            action=Distinct,
            default=(9999, 9998, 9997),
            metavar="PORT",
            help="of two simulated nodes, and of a third one on which nothing listens",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the demonstration. Raises CommandError if it cannot go on."""
        environ = complete(os.environ, settings.BIRDWATCHER.state_dir, BASE_DIR / "var" / "demo")
        if environ != os.environ:
            # The settings were read from the environment when this process started: start again.
            os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)  # noqa: S606
        try:
            Demo(Ports(options["web_port"], tuple(options["node_ports"])), self._say).run()
        except DemoError as error:
            raise CommandError(str(error)) from error
        except BrokenPipeError:
            # The reader of the pipe has gone. Without this, Python would report the error again at
            # its end, when it flushes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
