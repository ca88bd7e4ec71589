"""`./manage.py pruneaudit --days N`: delete old entries of the audit log."""

import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from birdwatcher.audit.retention import prune


class Command(BaseCommand):
    """Delete entries of the audit log that are older than some days."""

    help = (
        "Delete entries of the audit log that are older than some days. Nothing else deletes them; "
        "that it was done is an entry, too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--days", type=int, required=True, help="the age, at least 1")

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and print how many."""
        days = options["days"]
        if not 1 <= days <= 36_500:
            raise CommandError("--days is a number from 1 to 36500.")
        count = prune(timezone.now() - datetime.timedelta(days=days))
        self.stdout.write(f"Deleted {count:,} entries.")
