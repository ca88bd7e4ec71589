"""The daemon, with a writer that can be caught at a chosen moment.

`python -m tests.chaos.trapped` is `./manage.py connectnodes`. When a file called `TRAP` is in the
state directory, the next transaction in which birds are written springs it, and then the writer or
the supervisor is killed: with everything written and not yet committed, or committed and nobody
told. A random kill meets these moments one time in a thousand.
"""

import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connection
from django.db.transaction import Atomic

TRAP = "trap"
MOMENTS = ("before the commit", "after the commit")
VICTIMS = ("writer", "supervisor")
Transaction = Callable[[sqlite3.Connection], AbstractContextManager[None]]


def set_trap(state_dir: Path, victim: str, moment: str) -> None:
    """Have `victim` killed at `moment` of the next transaction that writes birds."""
    draft = state_dir / f"{TRAP}.draft"
    draft.write_text(f"{victim} {moment}")
    draft.rename(state_dir / TRAP)


class _Trap:
    """Watches what the writer does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._birds = False  # whether the transaction under way writes any

    def watch(self, insert: Callable[..., None]) -> Callable[..., None]:
        """Return `insert`, which writes birds, such that it is noticed."""

        def insert_noticed(*arguments: Any) -> None:
            self._birds = True
            insert(*arguments)

        return insert_noticed

    def around(self, leave: Callable[..., Any]) -> Callable[..., Any]:
        """Return `leave`, which ends a transaction, with the trap before and behind it."""

        def leave_or_die(atomic: Atomic, *error: Any) -> Any:
            is_outermost = not connection.savepoint_ids
            if is_outermost and self._birds:
                self._spring("before the commit")
            result = leave(atomic, *error)
            if is_outermost and self._birds:
                self._spring("after the commit")
                self._birds = False
            return result

        return leave_or_die

    def around_statement(self, commit: Callable[..., set[int]]) -> Callable[..., set[int]]:
        """Return `commit`, which is a transaction by itself, with the trap before and behind it."""

        def commit_or_die(*arguments: Any) -> set[int]:
            self._spring("before the commit")
            held = commit(*arguments)
            self._spring("after the commit")
            return held

        return commit_or_die

    def around_rows(self, transaction: Transaction) -> Transaction:
        """Return `transaction`, with the trap before its end and behind it."""

        @contextlib.contextmanager
        def write_or_die(raw: sqlite3.Connection) -> Iterator[None]:
            with transaction(raw):
                yield
                self._spring("before the commit")
            self._spring("after the commit")

        return write_or_die

    def _spring(self, moment: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            victim, _, wanted = self._path.read_text().partition(" ")
            if wanted == moment:
                self._path.unlink()
                _kill(victim)


def _kill(victim: str) -> None:
    if victim == "writer":
        os.kill(os.getpid(), signal.SIGKILL)
    parent = os.getppid()
    os.kill(parent, signal.SIGKILL)
    # Not one step further before it is really gone.
    while os.getppid() == parent:
        time.sleep(0.001)


def _main() -> None:
    # It imports models, which Django must be set up for.
    from birdwatcher.common.database import ENGINES, sqlite

    trap = _Trap(Path(os.environ["BIRDWATCHER_STATE_DIR"]) / TRAP)
    postgresql = ENGINES["postgresql"]
    for engine in ENGINES.values():
        engine.insert = trap.watch(engine.insert)  # type: ignore[method-assign]
    Atomic.__exit__ = trap.around(Atomic.__exit__)  # type: ignore[method-assign]
    # A commit of few events: one statement on PostgreSQL, several on SQLite.
    postgresql.commit_few = trap.around_statement(  # type: ignore[method-assign]
        postgresql.commit_few
    )
    sqlite._transaction = trap.around_rows(sqlite._transaction)
    call_command("connectnodes")


if __name__ == "__main__":
    django.setup()
    _main()
