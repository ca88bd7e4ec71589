"""`./manage.py spool`: what is waiting to be committed, and since when."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django.db
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from birdwatcher.common.database import first_line
from birdwatcher.common.units import moment
from birdwatcher.daemon.instance import instance_of
from birdwatcher.nodes.models import Node
from birdwatcher.writer import reread as aside_files
from birdwatcher.writer import spools
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.session import RefusedError, check_migrations, open_session, read_nodes
from birdwatcher.writer.succession import Succession
from nodeproc.delivery.aside import Why
from nodeproc.delivery.spool import SpoolError
from supervisor.lock import StateDirectoryError, lock_state_directory

WHY = {Why.DAMAGED: "damaged", Why.GONE: "without a row"}


class Command(BaseCommand):
    """Lists what waits in the spools; commits it on request."""

    help = (
        "List what the node processes have received and nobody could commit yet. A running daemon "
        "commits it by itself as soon as it can."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--commit`, `--aside` and `--reread`."""
        parser.add_argument(
            "--commit",
            action="store_true",
            help="write all of it to the database now, while no daemon is running",
        )
        parser.add_argument(
            "--aside",
            action="store_true",
            help="list the files that were set aside: damaged spools, and those of deleted nodes",
        )
        parser.add_argument(
            "--reread",
            nargs="*",
            metavar="FILE",
            help="say what can be read of these files that were set aside, or of all; with "
            "--commit, write it to the database and remove the files, while no daemon is running; "
            "what its stream's checkpoint says is committed, is not committed again",
        )

    def handle(
        self, *, commit: bool, aside: bool, reread: list[str] | None, **options: Any
    ) -> None:
        """List or commit. Raises CommandError with one sentence."""
        directory = settings.BIRDWATCHER.spool_dir
        try:
            if aside or (reread is not None and not commit):
                self._list_aside(directory, reread or [])
            elif reread is not None:
                self._reread(directory, reread)
            elif commit:
                self._commit(directory)
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
        with _without_daemon() as ledger:
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

    def _list_aside(self, directory: Path, names: list[str]) -> None:
        found = _chosen(directory, names)
        if not found:
            self.stdout.write("Nothing is set aside.")
            return
        self.stdout.write(f"{'events':>10} {'bytes':>12}  {'set aside':<20} file")
        for it in found:
            at = timezone.localtime(moment(it.file.at))
            of = f" of {it.owner}" if it.owner else ""
            trouble = f": {it.trouble}" if it.trouble else ""
            self.stdout.write(
                f"{it.events:>10} {it.file.size:>12}  {at:%Y-%m-%d %H:%M:%S}  "
                f"{it.file.name} ({WHY[it.file.why]}{of}){trouble}"
            )
        self.stdout.write("`--reread FILE --commit` commits what can be read of a file.")

    def _reread(self, directory: Path, names: list[str]) -> None:
        with _without_daemon() as ledger:
            rows = {spec.id for spec in read_nodes()}
            for it in _chosen(directory, names):
                if it.trouble or not it.frames:
                    says = f"left as it is: {it.trouble or 'nothing in it can be read'}"
                elif it.file.origin.id not in rows:
                    says = f"left as it is: there is no node {it.file.origin.id}"
                else:
                    aside_files.commit(directory, it.file, ledger)
                    says = f"{it.events} events are committed; the file is removed"
                self.stdout.write(f"{it.file.name}: {says}")


@contextlib.contextmanager
def _without_daemon() -> Iterator[Ledger]:
    """Be the one that writes to this database, while no daemon does."""
    lock = lock_state_directory(settings.BIRDWATCHER.state_dir)
    session = open_session()
    try:
        session.open()
        check_migrations()
        succession = Succession(instance_of(settings.BIRDWATCHER.state_dir))
        succession.take_over()
        yield Ledger(succession=succession)
    finally:
        session.close()
        os.close(lock)


def _chosen(directory: Path, names: list[str]) -> list[aside_files.Contents]:
    """Return the files with these names, or all; a path is as good as its name."""
    wanted = {Path(name).name for name in names}
    found = [it for it in aside_files.survey(directory) if not wanted or it.file.name in wanted]
    if missing := wanted - {it.file.name for it in found}:
        raise SpoolError(f"{', '.join(sorted(missing))}: there is no such file in {directory}")
    return found


def _names() -> dict[int, str]:
    """Return the nodes' names, nothing if the database is away: the list is useful without them."""
    try:
        return {node.pk: str(node) for node in Node.objects.all()}
    except django.db.Error:
        return {}
