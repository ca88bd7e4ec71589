"""`./manage.py migrate`: Django's, in one process at a time."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate

from birdwatcher.common.database.migrating import StillMigratingError, alone

WAITING = "Another process migrates this database: waiting until it has finished."


class Command(migrate.Command):
    """Migrates the database when nobody else does: two at once would disturb each other."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Wait for the lock, then do what is left to do. Raises CommandError."""
        try:
            with alone(lambda: self.stderr.write(WAITING)):
                super().handle(*args, **options)
        except StillMigratingError:
            raise CommandError("Another process still migrates this database.") from None
