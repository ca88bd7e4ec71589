"""`./manage.py rebuildrollups`: check the counts of birds, and correct them."""

import datetime
import sys
from typing import Any

import django.db
from django.core.management.base import BaseCommand, CommandError, CommandParser

from birdwatcher.birds.models import Species
from birdwatcher.common.database import first_line
from birdwatcher.nodes.models import Node
from birdwatcher.rollups.rebuild import BusyError, Difference, compare


class Command(BaseCommand):
    """Counts every bird once more; reports differences, and corrects them."""

    help = (
        "Count all birds once more, compare that with the counts that the charts are made from, "
        "report each difference and put it right. The daemon may be running."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--check`."""
        parser.add_argument(
            "--check",
            action="store_true",
            help="only report: change nothing, and end with 1 if a count is wrong",
        )

    def handle(self, *, check: bool, **options: Any) -> None:
        """Compare and repair. Raises CommandError with one sentence."""
        try:
            total = self._compare(repair=not check)
        except BusyError as error:
            raise CommandError(str(error)) from None
        except django.db.Error as error:
            raise CommandError(f"The database cannot be used: {first_line(error)}") from None
        what = "1 count" if total == 1 else f"{total:,} counts"
        if not total:
            self.stdout.write("Every count is right.")
        elif check:
            self.stdout.write(f"Wrong: {what}.")
            sys.exit(1)
        else:
            self.stdout.write(f"Put right: {what}.")

    def _compare(self, *, repair: bool) -> int:
        nodes = {row.pk: str(row) for row in Node.objects.all()}
        species = {row.pk: str(row) for row in Species.objects.all()}
        total = 0
        for it in compare(repair=repair):
            total += 1
            of = _words(it, nodes, species)
            self.stdout.write(f"{of}: {it.counted:,} birds, and not {it.kept:,}")
        return total


def _words(difference: Difference, nodes: dict[int, str], species: dict[int, str]) -> str:
    """Return whose count differs: `Dartmoor 10.0.3.2:9999, Wren, 2026-05-01 08:00:00 UTC`."""
    words = []
    for column, value in sorted(difference.of.items(), key=lambda it: it[0] == "hour"):
        if column == "hour":
            text = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime.datetime) else value
            words.append(f"{text} UTC")
        else:
            names = nodes if column == "node_id" else species
            words.append(names.get(value, f"{column} {value}"))
    return ", ".join(words)
