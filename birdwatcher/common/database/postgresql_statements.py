"""PostgreSQL's statements, in which %s stands for one parameter in JSON, and these parameters.

A statement is the same for any number of rows, so that each is made once and planned once.
"""

import functools
from collections.abc import Iterable

from birdwatcher.common.database.tables import (
    Groups,
    Model,
    Owner,
    Sums,
    Target,
    Values,
    columns,
    encode,
    fields_of,
    on_conflict,
    place_of,
    quoted,
    table,
)

# The lock of the one daemon that serves a database: "bird", and a number that no other program is
# likely to use with it. A session that has it can lock it once more, at once.
DAEMON_LOCK = (0x62697264, 1)
MIGRATION_LOCK = (0x62697264, 2)  # of the one process that migrates it
PROVEN = f"pg_try_advisory_xact_lock({DAEMON_LOCK[0]}, {DAEMON_LOCK[1]})"

# Among the rows of a `commit_few`, those of owners that exist.
OF_HELD = "WHERE {column} IN (SELECT id FROM held)"


@functools.cache
def holding(model: Model, condition: str = "true") -> str:
    """Return the statement that locks rows by key, and returns the keys of those that exist."""
    wanted = "SELECT value::bigint FROM json_array_elements_text(%s::json)"
    chosen = f"SELECT id FROM {table(model)} WHERE id IN ({wanted}) AND {condition}"  # noqa: S608
    return f"{chosen} ORDER BY id FOR KEY SHARE"


# An UPDATE of a unique column takes the lock that a DELETE takes, and waits for FOR KEY SHARE. A
# SELECT ... FOR KEY SHARE that waited for such an UPDATE looks at the new row, and leaves it out if
# that does not match any more.


@functools.cache
def holding_named(model: Model, field: str) -> str:
    """Return the statement that locks rows by a text, and returns text and key of each."""
    wanted = "ARRAY(SELECT json_array_elements_text(%s::json))"
    chosen = f"SELECT {field}, id FROM {table(model)} WHERE {field} = ANY({wanted})"  # noqa: S608
    return f"{chosen} ORDER BY id FOR KEY SHARE"


@functools.cache
def inserting(target: Target, where: str = "") -> str:
    """Return the statement that inserts rows in JSON; `where` chooses among them.

    The table says which types its columns have.
    """
    model = target.model
    source = f"json_populate_recordset(NULL::{table(model)}, %s::json)"
    chosen = f"SELECT {columns(model)} FROM {source} {where}"  # noqa: S608 our own names
    return f"INSERT INTO {table(model)} ({columns(model)}) {chosen} {on_conflict(target)}"


def rows_as_json(model: Model, rows: Iterable[Values]) -> str:
    """Return the parameter of `inserting`."""
    names = [field.column for field in fields_of(model)]
    return encode([dict(zip(names, row, strict=True)) for row in rows])


@functools.cache
def adding(sums: Sums, where: str = "") -> str:
    """Return the statement that adds numbers to sums; `where` chooses among them."""
    names = (*sums.columns, sums.total)
    types = ", ".join(f"{name} bigint" for name in names)
    arrays = ", ".join(f"array_agg({name})" for name in names)
    source = f"json_to_recordset(%s::json) AS new({types}) {where}"
    return f"SELECT {sums.function}({arrays}) FROM {source} HAVING count(*) > 0"  # noqa: S608


def groups_as_json(sums: Sums, groups: Groups) -> str:
    """Return the parameter of `adding`."""
    names = (*sums.columns, sums.total)
    return encode([dict(zip(names, (*key, n), strict=True)) for key, n in groups.items()])


@functools.cache
def committing(
    owner: Owner, model: Model, field: str, targets: tuple[Target, ...], sums: Sums
) -> str:
    """Return the statement of `commit_few`, which remembers rows of `model` by `field`.

    It locks the owners, then these rows, then the counts, as all transactions do. If one of these
    rows is not as remembered, no owner counts as held, and nothing is written. Without the lock of
    the daemon, no owner is found at all.
    """

    def of_held(model: Model) -> str:
        field = fields_of(model)[place_of(model, owner.field)]
        return OF_HELD.format(column=quoted(field.column))

    written = ", ".join(
        f"written_{number} AS ({inserting(target, of_held(target.model))})"
        for number, target in enumerate(targets)
    )
    added = adding(sums, OF_HELD.format(column=sums.columns[0]))
    locked = f"locked AS MATERIALIZED ({holding(owner.model, f'(SELECT {PROVEN})')})"
    said = "json_to_recordset(%s::json) AS said(key bigint, text text)"
    unchanged = (
        f"unchanged AS MATERIALIZED (SELECT it.id FROM {table(model)} AS it JOIN {said}"  # noqa: S608
        f" ON it.id = said.key AND it.{field} = said.text"
        " WHERE (SELECT count(*) FROM locked) > 0 ORDER BY it.id FOR KEY SHARE OF it)"
    )
    held = (
        "held AS MATERIALIZED (SELECT id FROM locked"
        " WHERE (SELECT count(*) FROM unchanged) = %s::bigint)"
    )
    # The sums are raised only if somebody asks for the result.
    done = (
        "SELECT id, (SELECT count(*) FROM unchanged)"
        " FROM locked, (SELECT count(*) FROM added) AS done"
    )
    first = f"WITH {locked}, {unchanged}, {held}"
    return f"{first}, {written}, added AS MATERIALIZED ({added}) {done}"
