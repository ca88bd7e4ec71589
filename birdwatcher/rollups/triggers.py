"""Triggers: the databases themselves count every change and delete of a bird.

Those of a cascade, of the admin's actions and of psql too. Inserts are not counted here, because
the writer inserts tens of thousands of birds a second and counts them once a transaction. The SQL,
and the order of PostgreSQL's locks, are in the folder `sql`.

Before you change this:

- On SQLite, a migration that rebuilds the table of birds, as most changes of it do, drops its
  triggers: it has to create them again, with `create` here and the script of `feed.birds`.
- A bird can be deleted even if its count is too small or missing. `rebuildrollups` finds that.
"""

from collections.abc import Callable, Mapping

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from birdwatcher.common import sql
from birdwatcher.common.database import engine_of
from birdwatcher.common.database.sqlite import SQLite

# Each table with the columns of its key, in the order of its index.
TABLES: dict[str, tuple[str, ...]] = {
    "rollups_hourlycount": ("node_id", "hour", "species_id"),
    "rollups_hourlyofspecies": ("species_id", "hour"),
    "rollups_hourlyofnode": ("node_id", "hour"),
    "rollups_totalcount": ("node_id", "species_id"),
}

FILL = """
INSERT INTO {table} ({key}, birds)
SELECT {key}, count(*) FROM (SELECT node_id, species_id, {hour} AS hour FROM birds_bird) AS birds
GROUP BY {key};
"""


def create(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Create the triggers, and on PostgreSQL the function that counts what is inserted."""
    engine = engine_of(schema_editor.connection)
    parts = sql.load(__package__, "triggers", engine.name)
    script = parts["create"].format(**EXPANDED[engine.name](parts))
    for statement in engine.statements(script):
        schema_editor.execute(statement, params=None)


def drop(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Drop what `create` created."""
    sql.run(schema_editor, __package__, "triggers", "drop")


def fill(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Count the birds that are there already."""
    hour = engine_of(schema_editor.connection).hour_of('"timestamp"')
    for table, key in TABLES.items():
        schema_editor.execute(FILL.format(table=table, key=", ".join(key), hour=hour), params=None)


def _postgresql(parts: Mapping[str, str]) -> dict[str, str]:
    old, new, loop = parts["old"], parts["new"], parts["loop"]
    return {
        "inserts": _for_each_table(parts["insert"]),
        "deleted_loops": _for_each_table(loop, changes=old),
        "updated_loops": _for_each_table(loop, changes=f"{old} UNION ALL {new}"),
        "deletes": _for_each_table("DELETE FROM {table};"),
    }


def _sqlite(parts: Mapping[str, str]) -> dict[str, str]:
    return {name: _for_each_table(parts[name]) for name in ("less", "more")}


EXPANDED: dict[str, Callable[[Mapping[str, str]], dict[str, str]]] = {
    "postgresql": _postgresql,
    "sqlite": _sqlite,
}


def _for_each_table(text: str, **values: str) -> str:
    return "".join(
        text.format(
            table=table,
            key=", ".join(key),
            its_key=", ".join(f"it.{column}" for column in key),
            old=", ".join(_in_sqlite("OLD", column) for column in key),
            new=", ".join(_in_sqlite("NEW", column) for column in key),
            **values,
        )
        for table, key in TABLES.items()
    )


def _in_sqlite(row: str, column: str) -> str:
    return SQLite().hour_of(f"{row}.timestamp") if column == "hour" else f"{row}.{column}"
