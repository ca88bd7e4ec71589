"""Why a database did not take a row: pure.

A database says IntegrityError for a value that it will never take, and for much that is no row's
fault: a sequence behind the rows that a restore loaded with their keys, a constraint that somebody
added. So each error is told apart by the code that the database gives with it. What is not known
counts as `OTHER`: to wait is safe, to set an event aside is not.
"""

import enum
import sqlite3

import psycopg


class Cause(enum.Enum):
    """What an error is due to."""

    VALUE = "a value"  # the same row will be refused for ever
    SEQUENCE = "a sequence"  # it gave a key that a row has already
    OTHER = "something else"  # the same row may be taken later


# Of PostgreSQL's class 22, "data exception", what is no value's fault.
SEQUENCE_AT_ITS_END = "2200H"
# A check, which looks at nothing but the row; a value too large for an index.
OF_VALUES = {"23514", "54000"}
UNIQUE_VIOLATION = "23505"
PRIMARY_KEY = "_pkey"  # what PostgreSQL ends the name of its constraint with

SQLITE: dict[str, Cause] = {
    "SQLITE_CONSTRAINT_CHECK": Cause.VALUE,
    "SQLITE_CONSTRAINT_DATATYPE": Cause.VALUE,
    "SQLITE_MISMATCH": Cause.VALUE,
    "SQLITE_TOOBIG": Cause.VALUE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": Cause.SEQUENCE,
    "SQLITE_CONSTRAINT_ROWID": Cause.SEQUENCE,
}


def cause_of(error: BaseException) -> Cause:
    """Return what `error` is due to: one of Django's, a driver's or Python's."""
    match error.__cause__ or error:
        case psycopg.Error() as raised:
            return _of_postgresql(raised, raised.sqlstate, raised.diag.constraint_name)
        case sqlite3.Error() as raised:
            return SQLITE.get(getattr(raised, "sqlite_errorname", ""), Cause.OTHER)
        case OverflowError() | UnicodeError():  # no driver can send it
            return Cause.VALUE
    return Cause.OTHER


def _of_postgresql(error: psycopg.Error, code: str | None, constraint: str | None) -> Cause:
    if code is None:  # psycopg itself refused it, such as a NUL in a text; or the connection broke
        return Cause.VALUE if isinstance(error, psycopg.DataError) else Cause.OTHER
    if code == UNIQUE_VIOLATION and (constraint or "").endswith(PRIMARY_KEY):
        return Cause.SEQUENCE
    if code in OF_VALUES or (code.startswith("22") and code != SEQUENCE_AT_ITS_END):
        return Cause.VALUE
    return Cause.OTHER
