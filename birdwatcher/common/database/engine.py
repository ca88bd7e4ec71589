"""The questions to which PostgreSQL and SQLite have different answers.

All of it is asked of Django's default connection, and raises Django's errors.
"""

import datetime
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from django.db.backends.base.base import BaseDatabaseWrapper

from birdwatcher.common.database.tables import (
    Groups,
    Model,
    Named,
    Owner,
    Part,
    Sums,
    Target,
    Values,
)

PATIENCE = 0.25  # seconds for which `briefly` waits for each lock


class Facts(NamedTuple):
    """A database: its kind, its version, and its size in bytes."""

    kind: str
    version: str
    size: int


class Extent(NamedTuple):
    """About how many rows a table has, and its size in bytes with its indexes; None: not known."""

    rows: int | None
    size: int | None = None


class Engine(Protocol):
    """One kind of database."""

    @property
    def name(self) -> str:
        """What Django calls it, and what the names of SQL files end with."""

    # SQL

    @property
    def prefix_index(self) -> str:
        """How an index has the column `%(text)s`, so that `istartswith` on it is a search."""

    @property
    def prefix_order(self) -> str:
        """The order of `%(expression)s` in such an index."""

    def hour_of(self, column: str) -> str:
        """Return the start of the hour, in UTC, of the time in a column."""

    def statements(self, script: str) -> Iterable[str]:
        """Yield the parts of a script that can be executed at once."""

    # Waiting

    @property
    def pause(self) -> float:
        """The seconds for which a lock must be left free, so that a process that waits gets it."""

    def briefly(self) -> AbstractContextManager[None]:
        """Begin a transaction that waits `PATIENCE` at most for each lock.

        To be used outside any transaction. Raises OperationalError if that is not enough.
        """

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Bound the time of all statements together, waiting and working, to `seconds`.

        To be used within a transaction. Raises OperationalError at the end of that time. SQLite has
        no such limit.
        """

    def lock_tables(self, tables: Iterable[str], seconds: float = 0) -> None:
        """Keep others from writing to `tables` until the end of the transaction; all may read.

        With `seconds`, raises OperationalError if a lock is not free after so long.
        """

    def limit_statements(self, seconds: float, connection: BaseDatabaseWrapper = ...) -> None:
        """Let no later statement on `connection` take longer: it raises OperationalError then.

        Nor wait longer than a part of it for a lock. On SQLite the latter alone.
        """

    def interrupt(self, connection: BaseDatabaseWrapper) -> None:
        """End the statement that runs on `connection`: it raises OperationalError.

        To be called from another thread than the one that uses the connection, which must be closed
        afterwards; never blocks.
        """

    def prove_lock(self) -> None:
        """Keep every other session from the lock of the daemon until the transaction ends.

        A pooler may have changed the session since it took the lock. Raises OperationalError if
        another one has it. On SQLite, the lock is on a file, and stays.
        """

    def prove_kept(self) -> None:
        """Check that what was committed is where others look for it; cheap.

        To be called outside a transaction. Raises ReplacedError if SQLite's file was replaced.
        """

    # Looking

    def now(self) -> datetime.datetime:
        """Return the time by the one clock that all who share the database compare with.

        It is the server's; SQLite's programs all run on one machine, and have its clock.
        """

    def commits_of_others(self) -> int | None:
        """Return a number that changes whenever another connection commits, None without one.

        Raises ReplacedError as `prove_kept` does.

        This is much cheaper than to look at a table.
        """

    def facts(self) -> Facts:
        """Return what this database is, and how large; costs the same however large it is."""

    def extents(self, models: Sequence[Model]) -> list[Extent]:
        """Return how large the tables of `models` are; costs the same however large they are."""

    # Writing

    def hold(self, model: Model, keys: Collection[int]) -> set[int]:
        """Return which of `keys` exist, and keep these rows from being deleted until the commit."""

    def hold_named(self, model: Model, field: str, texts: Collection[str]) -> dict[str, int]:
        """Return the keys of the rows that have one of `texts` in a unique field, by that text.

        Until the commit these rows are kept from being deleted, and the field from being changed.
        """

    def insert(self, target: Target, rows: Iterable[Values]) -> None:
        """Insert any number of rows, which cannot conflict with others.

        Also raises what iterating over them raises.
        """

    def upsert(self, target: Target, rows: Sequence[Values]) -> None:
        """Insert or update `rows`.

        It does what `bulk_create(update_conflicts=True)` does, but needs a value for each field:
        the database's defaults are not asked for.
        """

    def add(self, sums: Sums, groups: Groups) -> None:
        """Add `groups` to the sums of which they are a part.

        On PostgreSQL this locks rows against deletion; see the function of `sums`.
        """

    def raise_sequences(self, models: Iterable[Model]) -> dict[str, int]:
        """Raise each sequence of keys that is behind the rows of its table, at once.

        Rows that are loaded with their keys, as by a restore, do not move it, and its next keys are
        taken then. Return the highest keys by the names of these tables. Not to be called within a
        transaction. SQLite looks at the rows by itself.
        """

    def commit_few(
        self,
        owner: Owner,
        keys: Collection[int],
        named: Named,
        parts: Sequence[Part],
        sums: Sums,
        groups: Groups,
    ) -> set[int] | None:
        """Write the rows of those owners that exist, add their groups to `sums`, and commit, in as
        few steps as the database allows; return the keys of these owners.

        `keys` are those of all owners of the rows. They are kept from being deleted until the
        commit, and so are the rows of `named` from being deleted or changed. If one of these is
        not as given, nothing is written, and None returned. Not to be called within a transaction.
        """
