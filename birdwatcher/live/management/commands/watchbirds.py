"""`./manage.py watchbirds`: new birds in a terminal, as they come."""

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
        "tells them. It comes again by itself when the connection is lost, and misses nothing. "
        "Ctrl-C ends it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Teach `parser` the options."""
        parser.add_argument("--node", type=int, nargs="+", default=[], metavar="ID")
        parser.add_argument(
            "--species", nargs="+", default=[], metavar="NAME", help="their names, or ids"
        )
        parser.add_argument(
            "--since", type=int, metavar="ID", help="begin behind this bird (0: with the first one)"
        )
        parser.add_argument("--url", default=DEFAULT_URL, help="of the web UI (%(default)s)")
        parser.add_argument(
            "--token-file",
            metavar="FILE",
            help=f"holds the API token; without it, {TOKEN} in the environment does",
        )
        parser.add_argument("--json", action="store_true", help="print the messages as they are")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Follow. Raises CommandError if that cannot be."""
        show.keep_local_time()
        try:
            token = find_token(options["token_file"], os.environ)
            request = Request(parse_url(options["url"]), token, options["node"], options["species"])
            watch = Watch(request, options["since"], self._notice)
            for text, said in watch.messages():
                self._print([text] if options["json"] else show.lines(said))
        except WatchError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            return
        except BrokenPipeError:
            # Whoever read along has left, which ends it. Python would complain once more when it
            # flushes what could not be written.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _print(self, lines: Any) -> None:
        for line in lines:
            self.stdout.write(line)
        self.stdout.flush()

    def _notice(self, sentence: str) -> None:
        self.stderr.write(sentence)
