"""`manage.py runnodes`: simulated nodes."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from birdwatcher.simulator.addresses import AddressUnavailableError
from birdwatcher.simulator.options import add_arguments, build_nodes
from birdwatcher.simulator.runner import run


class Command(BaseCommand):
    """Runs simulated nodes until Ctrl-C."""

    help = (
        "Runs simulated nodes, which send each client one bird event every 1 to 3 s, until Ctrl-C. "
        "No database is needed."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options to `parser`."""
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the nodes. Raises CommandError if one cannot listen on its port."""
        try:
            asyncio.run(run(build_nodes(options), self._announce))
        except AddressUnavailableError as error:
            raise CommandError(str(error)) from error

    def _announce(self, line: str) -> None:
        # Flushed, for scripts that wait for this line in a pipe.
        self.stdout.write(line)
        self.stdout.flush()
