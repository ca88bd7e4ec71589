"""What an error of a database is due to."""

import sqlite3
from types import SimpleNamespace

import django.db
import psycopg
import pytest

from birdwatcher.common.database.causes import Cause, cause_of

VALUE, SEQUENCE, OTHER = Cause


class Raised(psycopg.Error):
    """An error as PostgreSQL sends it."""

    def __init__(self, code: str | None, constraint: str | None = None) -> None:
        super().__init__(code)
        self.sqlstate = code
        self._constraint = constraint

    @property
    def diag(self) -> SimpleNamespace:  # type: ignore[override]
        """The fields of the server's message."""
        return SimpleNamespace(constraint_name=self._constraint)


@pytest.mark.parametrize(
    ("code", "constraint", "cause"),
    [
        ("22001", None, VALUE),  # too long
        ("22003", None, VALUE),  # out of range
        ("22008", None, VALUE),  # a time out of range
        ("22021", None, VALUE),  # not in the encoding
        ("22P05", None, VALUE),  # a NUL in JSON
        ("23514", "birds_bird_name_check", VALUE),
        ("54000", None, VALUE),  # too large for an index
        ("2200H", None, OTHER),  # a sequence at its end
        ("23505", "birds_bird_pkey", SEQUENCE),
        ("23505", "birds_species_pkey", SEQUENCE),
        ("23505", "birds_species_name_key", OTHER),
        ("23505", None, OTHER),
        ("23502", "node_id", OTHER),
        ("23503", "birds_bird_species_id_fk", OTHER),
        ("23P01", "somebodys", OTHER),
        ("42501", None, OTHER),  # no right
        ("42P01", None, OTHER),  # no table
        ("P0001", None, OTHER),  # a trigger raised it
        ("53100", None, OTHER),  # the disk is full
        ("57014", None, OTHER),  # a time limit
        (None, None, OTHER),  # the connection broke
    ],
)
def test_postgresql(code: str | None, constraint: str | None, cause: Cause) -> None:
    error = django.db.IntegrityError("as Django raises it")
    error.__cause__ = Raised(code, constraint)
    assert cause_of(error) is cause


@pytest.mark.parametrize(
    ("statement", "cause"),
    [
        ("INSERT INTO birds VALUES (1, 'Bob', 1)", SEQUENCE),
        ("INSERT INTO birds VALUES (2, 'Al', 1)", OTHER),  # another unique column
        ("INSERT INTO birds VALUES (2, NULL, 1)", OTHER),
        ("INSERT INTO birds VALUES (2, '', 1)", VALUE),
        ("INSERT INTO birds VALUES (2, 'Bob', 7)", OTHER),
        ("INSERT INTO birds VALUES ('x', 'Bob', 1)", VALUE),
        ("INSERT INTO birds VALUES (2, 'no', 1)", OTHER),  # a trigger raised it
        ("INSERT INTO nothing VALUES (1)", OTHER),
    ],
)
def test_sqlite(statement: str, cause: Cause) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        """
        PRAGMA foreign_keys = on;
        CREATE TABLE species (id INTEGER PRIMARY KEY);
        CREATE TABLE birds (
            id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE CHECK (name <> ''),
            species INTEGER REFERENCES species
        );
        CREATE TRIGGER no BEFORE INSERT ON birds WHEN new.name = 'no'
        BEGIN SELECT RAISE(ABORT, 'no'); END;
        INSERT INTO species VALUES (1);
        INSERT INTO birds VALUES (1, 'Al', 1);
        """
    )
    with pytest.raises(sqlite3.Error) as raised:
        connection.execute(statement)
    connection.close()
    assert cause_of(raised.value) is cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OverflowError("a year"), VALUE),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), VALUE),
        (psycopg.DataError("a NUL in a text"), VALUE),
        (psycopg.OperationalError("the connection is lost"), OTHER),
        (sqlite3.ProgrammingError("closed"), OTHER),
        (django.db.IntegrityError("The species “Wren” was just renamed or deleted."), OTHER),
    ],
)
def test_drivers_and_python(error: Exception, cause: Cause) -> None:
    assert cause_of(error) is cause
