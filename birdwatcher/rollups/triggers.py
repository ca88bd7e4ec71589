"""What the databases do by themselves: the counts follow every change and delete of a bird.

Also those of a cascade, of the admin's actions, of psql. An insert does not do it, because the
writer inserts tens of thousands of birds a second and counts them once a transaction.

What one must know to change this file:

- On SQLite, a migration that makes the table of birds anew, as most changes of it do, takes its
  triggers along: it has to make them again, with `create` here and in `feed.birds.triggers`.
- On PostgreSQL, whoever changes counts locks, in this order: the nodes and the species, against
  their deletion; then the counts, table by table in the order of `TABLES`, row by row in the order
  of their keys. Whoever deletes a node or species locks that first. So nobody ever waits for
  somebody who waits for him, but for what nothing here makes: a transaction of several such
  statements, and an UPDATE of birds by hand, which locks birds before their nodes, beside the
  delete of one of these nodes. PostgreSQL then ends one of the two with an error, as a whole.
- A count that is too small, or missing, must not keep a bird from being deleted. `rebuildrollups`
  finds out about it.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Each table with the columns of its key, in the order of its index.
TABLES: dict[str, tuple[str, ...]] = {
    "rollups_hourlycount": ("node_id", "hour", "species_id"),
    "rollups_hourlyofspecies": ("species_id", "hour"),
    "rollups_hourlyofnode": ("node_id", "hour"),
    "rollups_totalcount": ("node_id", "species_id"),
}

# PostgreSQL

# Nodes, species, hours since 1970 and counts of as many groups of birds.
COUNT_BIRDS = """
CREATE FUNCTION birdwatcher_count_birds(
    nodes bigint[], species bigint[], hours bigint[], counts bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM nodes_node WHERE id = ANY(nodes) ORDER BY id FOR KEY SHARE;
    PERFORM FROM birds_species WHERE id = ANY(species) ORDER BY id FOR KEY SHARE;
    {inserts}
END
$$;
"""
INSERT = """
    INSERT INTO {table} AS kept ({key}, birds)
    SELECT {key}, sum(n) FROM (
        SELECT node_id, species_id, to_timestamp(h * 3600) AS hour, n
        FROM unnest(nodes, species, hours, counts) AS new(node_id, species_id, h, n)
    ) AS new
    GROUP BY {key} ORDER BY {key}
    ON CONFLICT ({key}) DO UPDATE SET birds = kept.birds + EXCLUDED.birds;
"""

# One statement that changed or deleted birds. Row by row, so that the order of the keys is kept
# although some counts grow while others shrink.
BIRDS_CHANGED = """
CREATE FUNCTION birdwatcher_birds_{what}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    it record;
    remaining bigint;
BEGIN
    {locks}
    {loops}
    RETURN NULL;
END
$$;
"""
LOCKS = """
    PERFORM FROM nodes_node WHERE id IN (SELECT node_id FROM new_birds) ORDER BY id FOR KEY SHARE;
    PERFORM FROM birds_species WHERE id IN (SELECT species_id FROM new_birds) ORDER BY id
        FOR KEY SHARE;
"""
LOOP = """
    FOR it IN
        SELECT {key}, sum(n) AS n FROM ({changes}) AS changes
        GROUP BY {key} HAVING sum(n) <> 0 ORDER BY {key}
    LOOP
        IF it.n > 0 THEN
            INSERT INTO {table} AS kept ({key}, birds) VALUES ({its_key}, it.n)
            ON CONFLICT ({key}) DO UPDATE SET birds = kept.birds + EXCLUDED.birds;
        ELSE
            UPDATE {table} SET birds = GREATEST(birds + it.n, 0) WHERE ({key}) = ({its_key})
            RETURNING birds INTO remaining;
            IF remaining = 0 THEN
                DELETE FROM {table} WHERE ({key}) = ({its_key});
            END IF;
        END IF;
    END LOOP;
"""
EMPTY = "DELETE FROM {table};"
POSTGRESQL_HOUR = """date_trunc('hour', "timestamp", 'UTC')"""
CHANGES = """
    SELECT node_id, species_id, {hour} AS hour, {sign}count(*) AS n
    FROM {birds} GROUP BY 1, 2, 3
"""
GONE = CHANGES.format(hour=POSTGRESQL_HOUR, sign="-", birds="old_birds")
COME = CHANGES.format(hour=POSTGRESQL_HOUR, sign="", birds="new_birds")

TRIGGERS = """
CREATE TRIGGER birdwatcher_birds_deleted AFTER DELETE ON birds_bird
    REFERENCING OLD TABLE AS old_birds
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_birds_deleted();
CREATE TRIGGER birdwatcher_birds_updated AFTER UPDATE ON birds_bird
    REFERENCING OLD TABLE AS old_birds NEW TABLE AS new_birds
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_birds_updated();
CREATE TRIGGER birdwatcher_birds_truncated AFTER TRUNCATE ON birds_bird
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_birds_truncated();
"""
DROP_POSTGRESQL = """
DROP TRIGGER birdwatcher_birds_deleted ON birds_bird;
DROP TRIGGER birdwatcher_birds_updated ON birds_bird;
DROP TRIGGER birdwatcher_birds_truncated ON birds_bird;
DROP FUNCTION birdwatcher_birds_deleted, birdwatcher_birds_updated, birdwatcher_birds_truncated,
    birdwatcher_count_birds;
"""

# SQLite, which keeps a time as a text: 2026-05-01 08:46:00.250000

ON_DELETE = """
CREATE TRIGGER birdwatcher_birds_deleted AFTER DELETE ON birds_bird BEGIN
    {less}
END;
"""
ON_UPDATE = """
CREATE TRIGGER birdwatcher_birds_updated
AFTER UPDATE OF timestamp, node_id, species_id ON birds_bird BEGIN
    {less}
    {more}
END;
"""
LESS = """
    DELETE FROM {table} WHERE ({key}) = ({old}) AND birds <= 1;
    UPDATE {table} SET birds = birds - 1 WHERE ({key}) = ({old});
"""
MORE = """
    INSERT INTO {table} ({key}, birds) VALUES ({new}, 1)
    ON CONFLICT ({key}) DO UPDATE SET birds = birds + 1;
"""
DROP_SQLITE = """
DROP TRIGGER IF EXISTS birdwatcher_birds_deleted;
DROP TRIGGER IF EXISTS birdwatcher_birds_updated;
"""

# Both

FILL = """
INSERT INTO {table} ({key}, birds)
SELECT {key}, count(*) FROM (SELECT node_id, species_id, {hour} AS hour FROM birds_bird) AS birds
GROUP BY {key};
"""


def create(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Create the triggers, and on PostgreSQL the function that counts what is inserted."""
    postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in _postgresql() if postgresql else _sqlite():
        schema_editor.execute(statement, params=None)


def drop(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Drop what `create` created."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP_POSTGRESQL, params=None)
    else:
        for statement in DROP_SQLITE.strip().splitlines():
            schema_editor.execute(statement, params=None)


def fill(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Count the birds that are there already."""
    hour = hour_of_bird(schema_editor.connection.vendor)
    for table, key in TABLES.items():
        schema_editor.execute(FILL.format(table=table, key=", ".join(key), hour=hour), params=None)


def hour_of_bird(vendor: str) -> str:
    """Return what the hour of a bird is in SQL."""
    return POSTGRESQL_HOUR if vendor == "postgresql" else _sqlite_hour('"timestamp"')


def _postgresql() -> Iterator[str]:
    yield COUNT_BIRDS.format(inserts=_for_each_table(INSERT))
    deleted = _for_each_table(LOOP, changes=GONE)
    updated = _for_each_table(LOOP, changes=f"{GONE} UNION ALL {COME}")
    yield BIRDS_CHANGED.format(what="deleted", locks="", loops=deleted)
    yield BIRDS_CHANGED.format(what="updated", locks=LOCKS, loops=updated)
    yield BIRDS_CHANGED.format(what="truncated", locks="", loops=_for_each_table(EMPTY))
    yield TRIGGERS


def _sqlite() -> Iterator[str]:
    less, more = _for_each_table(LESS), _for_each_table(MORE)
    yield ON_DELETE.format(less=less)
    yield ON_UPDATE.format(less=less, more=more)


def _for_each_table(text: str, **values: str) -> str:
    return "".join(
        text.format(
            table=table,
            key=", ".join(key),
            its_key=", ".join(f"it.{column}" for column in key),
            old=", ".join(_of_row("OLD", column) for column in key),
            new=", ".join(_of_row("NEW", column) for column in key),
            **values,
        )
        for table, key in TABLES.items()
    )


def _of_row(row: str, column: str) -> str:
    return _sqlite_hour(f"{row}.timestamp") if column == "hour" else f"{row}.{column}"


def _sqlite_hour(timestamp: str) -> str:
    return f"substr({timestamp}, 1, 13) || ':00:00'"
