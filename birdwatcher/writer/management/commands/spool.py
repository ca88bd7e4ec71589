"""`./manage.py spool`: what is waiting to be committed, and since when."""

import os
from pathlib import Path
from typing import Any

import django.db
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from birdwatcher.common.database import first_line
from birdwatcher.daemon.instance import instance_of
from birdwatcher.nodes.models import Node
from birdwatcher.writer import spools
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.session import RefusedError, check_migrations, open_session, read_nodes
from birdwatcher.writer.succession import Succession
from nodeproc.delivery.spool import SpoolError
from supervisor.lock import StateDirectoryError, lock_state_directory


class Command(BaseCommand):
    """Lists what waits in the spools; commits it on request."""

    help = (
        "List what the node processes have received and nobody could commit yet. A running daemon "
        "commits it by itself as soon as it can."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--commit`."""
        parser.add_argument(
            "--commit",
            action="store_true",
            help="write all of it to the database now, while no daemon is running",
        )

    def handle(self, *, commit: bool, **options: Any) -> None:
        """List or commit. Raises CommandError with one sentence."""
        try:
            if commit:
                self._commit(settings.BIRDWATCHER.spool_dir)
            else:
                self._list()
        except (SpoolError, StateDirectoryError, RefusedError) as error:
            raise CommandError(str(error)) from None
        except django.db.Error as error:
            raise CommandError(f"The database cannot be used: {first_line(error)}") from None

    def _list(self) -> None:
        names = _names()
        found = False
        for waiting in spools.survey(settings.BIRDWATCHER.spool_dir):
            if not found:
                self.stdout.write(f"{'events':>10} {'bytes':>12}  {'since':<20} node")
            found = True
            since = timezone.localtime(waiting.since) if waiting.since else None
            when = f"{since:%Y-%m-%d %H:%M:%S}" if since else "-"
            damaged = f" ({waiting.damaged} bytes damaged)" if waiting.damaged else ""
            number = waiting.origin.id
            who = f"{number} {names.get(number, '(no longer exists)' if names else '')}"
            self.stdout.write(
                f"{waiting.events:>10} {waiting.size:>12}  {when:<20} {who.strip()}{damaged}"
            )
        if not found:
            self.stdout.write("Nothing is waiting.")

    def _commit(self, directory: Path) -> None:
        lock = lock_state_directory(settings.BIRDWATCHER.state_dir)
        session = open_session()
        try:
            session.open()
            check_migrations()
            succession = Succession(instance_of(settings.BIRDWATCHER.state_dir))
            succession.take_over()
            ledger = Ledger(succession=succession)
            rows = {spec.id: spec for spec in read_nodes()}
            kept = False
            for waiting in list(spools.survey(directory)):
                says = f"node {waiting.origin.id}: {waiting.events} events"
                if row := rows.get(waiting.origin.id):
                    spools.commit(directory, waiting.origin, ledger, row.identity)
                else:
                    kept, says = True, f"{says}, kept: the node no longer exists"
                self.stdout.write(says)
            self.stdout.write(f"Everything {'else ' if kept else ''}is committed.")
        finally:
            session.close()
            os.close(lock)


def _names() -> dict[int, str]:
    """Return the nodes' names, nothing if the database is away: the list is useful without them."""
    try:
        return {node.pk: str(node) for node in Node.objects.all()}
    except django.db.Error:
        return {}
