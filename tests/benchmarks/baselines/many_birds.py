"""Millions of birds at once, made and counted inside the database, its indexes built afterwards."""

import datetime

from django.db import connection

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node
from birdwatcher.rollups import triggers
from birdwatcher.simulator.names import GIVEN_NAMES, SPECIES
from tests.benchmarks.baselines.bulk import TABLE

NODES = 100
FIRST = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

# Evenly over the time; which node, species and name is scattered.
SQLITE = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
INSERT INTO {table} (timestamp, name, species_id, node_id, doubtful)
SELECT strftime('%Y-%m-%d %H:%M:%S', {epoch} + i * {seconds} / {count}, 'unixepoch'),
       json_extract('{names}', '$[' || (i * 7 % {name_count}) || ']') || ' ' || i,
       {first_species} + i * 11 % {species_count}, {first_node} + i * 13 % {nodes},
       i % 1000 = 0
FROM n
"""
POSTGRESQL = """
INSERT INTO {table} (timestamp, name, species_id, node_id, doubtful)
SELECT to_timestamp({epoch} + i * {seconds} / {count}),
       (ARRAY[{array}])[1 + i * 7 % {name_count}] || ' ' || i,
       {first_species} + i * 11 % {species_count}, {first_node} + i * 13 % {nodes},
       i % 1000 = 0
FROM generate_series(0::bigint, {count} - 1) AS n(i)
"""


def fill(
    count: int,
    nodes: int = NODES,
    first: datetime.datetime = FIRST,
    span: datetime.timedelta | None = None,
) -> None:
    """Put so many birds of so many nodes into the database that Django looks into.

    The first was heard at `first`, the others within `span`: one a second if it is None.
    """
    moors = Node.objects.bulk_create(
        [
            Node(name=f"Moor {it}", ip_address="10.0.0.1", port=it + 1, enabled=False)
            for it in range(nodes)
        ]
    )
    species = Species.objects.bulk_create([Species(name=name) for name in SPECIES])
    names = [name.replace("'", "''") for name in GIVEN_NAMES]
    statement = (SQLITE if connection.vendor == "sqlite" else POSTGRESQL).format(
        table=TABLE,
        epoch=int(first.timestamp()),
        seconds=int(span.total_seconds()) if span else count,
        count=count,
        names="[" + ",".join(f'"{name}"' for name in names) + "]",
        array=", ".join(f"'{name}'" for name in names),
        name_count=len(names),
        first_species=species[0].pk,
        species_count=len(species),
        first_node=moors[0].pk,
        nodes=nodes,
    )
    with connection.schema_editor() as editor:
        for index in Bird._meta.indexes:
            editor.remove_index(Bird, index)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER ALL")
        else:
            cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER ALL")
        else:
            cursor.execute("PRAGMA foreign_keys = ON")
    with connection.schema_editor() as editor:
        for index in Bird._meta.indexes:
            editor.add_index(Bird, index)
        triggers.fill(editor)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
