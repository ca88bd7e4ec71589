"""`./manage.py watchbirds`: new birds in a terminal, as they arrive."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from birdwatcher.live.watch import show
from birdwatcher.live.watch.follow import Watch
from birdwatcher.live.watch.request import (
    DEFAULT_URL,
    TOKEN,
    Request,
    WatchError,
    find_token,
    parse_url,
)


class Command(BaseCommand):
    """Follows the birds of a web UI, here or elsewhere, until Ctrl-C."""

    help = (
        "Print each new bird, deletions, and from time to time each node's share, as a web UI "
        "sends them. It reconnects by itself when the connection is lost, and misses nothing. "
        "Ctrl-C ends it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options to `parser`."""
        parser.add_argument("--node", type=int, nargs="+", default=[], metavar="ID")
        parser.add_argument(
            "--species", nargs="+", default=[], metavar="NAME", help="their names or ids"
        )
        parser.add_argument(
            "--species-name",
            action="append",
            default=[],
            metavar="NAME",
            help="a species by its name, even if that is a number; may be repeated",
        )
        parser.add_argument(
            "--since", type=int, metavar="ID", help="begin after this bird (0: with the first one)"
        )
        parser.add_argument("--url", default=DEFAULT_URL, help="of the web UI (%(default)s)")
        parser.add_argument(
            "--token-file",
            metavar="FILE",
            help=f"a file with the API token; without it, {TOKEN} in the environment is used",
        )
        parser.add_argument("--json", action="store_true", help="print the messages as they are")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Follow the birds. Raises CommandError if that is not possible."""
        show.keep_local_time()
        try:
            token = find_token(options["token_file"], os.environ)
            request = Request(
                parse_url(options["url"]),
                token,
                options["node"],
                options["species"],
                options["species_name"],
            )
            watch = Watch(request, options["since"], self._notice)
            for text, message in watch.messages():
                self._print([text] if options["json"] else show.lines(message))
        except WatchError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            return
        except BrokenPipeError:
            # The reader of the pipe has gone. Without this, Python would report the error again at
            # its end, when it flushes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _print(self, lines: Any) -> None:
        for line in lines:
            self.stdout.write(line)
        self.stdout.flush()

    def _notice(self, sentence: str) -> None:
        self.stderr.write(sentence)
