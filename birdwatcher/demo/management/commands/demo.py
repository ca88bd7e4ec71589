"""`manage.py demo`: everything at once, on this computer alone."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from birdwatcher.configuration.config import BASE_DIR
from birdwatcher.demo.environment import complete
from birdwatcher.demo.errors import DemoError
from birdwatcher.demo.show import Demo, Ports
from birdwatcher.simulator.options import Distinct, port_number


class Command(BaseCommand):
    """Shows Birdwatcher at work until Ctrl-C."""

    help = (
        "Starts the web UI, two simulated nodes and the daemon, tells of birds as they arrive, and "
        "ends all of it at Ctrl-C. Uses a SQLite database in a state directory of its own: "
        "var/demo, unless BIRDWATCHER_STATE_DIR names one. DATABASE_URL is passed over."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Teach `parser` the options."""
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
            help="of two simulated nodes and of one that is not there",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the demonstration. Raises CommandError if it cannot go on."""
        environ = complete(os.environ, settings.BIRDWATCHER.state_dir, BASE_DIR / "var" / "demo")
        if environ != os.environ:
            # The settings were read from the environment when this process began: begin again.
            os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)  # noqa: S606
        try:
            Demo(Ports(options["web_port"], tuple(options["node_ports"])), self._say).run()
        except DemoError as error:
            raise CommandError(str(error)) from error
        except BrokenPipeError:
            # Whoever read along has left, which ends the show. Python would complain once more when
            # it flushes what could not be written.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
