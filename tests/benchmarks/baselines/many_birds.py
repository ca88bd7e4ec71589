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

# One bird a second; which node, species and name is scattered.
SQLITE = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last})
INSERT INTO {table} (timestamp, name, species_id, node_id, doubtful)
SELECT strftime('%Y-%m-%d %H:%M:%S', {epoch} + i, 'unixepoch'),
       json_extract('{names}', '$[' || (i * 7 % {name_count}) || ']') || ' ' || i,
       {first_species} + i * 11 % {species_count}, {first_node} + i * 13 % {nodes},
       i % 1000 = 0
FROM n
"""
POSTGRESQL = """
INSERT INTO {table} (timestamp, name, species_id, node_id, doubtful)
SELECT to_timestamp({epoch} + i),
       (ARRAY[{array}])[1 + i * 7 % {name_count}] || ' ' || i,
       {first_species} + i * 11 % {species_count}, {first_node} + i * 13 % {nodes},
       i % 1000 = 0
FROM generate_series(0::bigint, {last}) AS n(i)
"""


def fill(count: int) -> None:
    """Put so many birds into the database that Django looks into."""
    nodes = Node.objects.bulk_create(
        [
            Node(name=f"Moor {it}", ip_address="10.0.0.1", port=it + 1, enabled=False)
            for it in range(NODES)
        ]
    )
    species = Species.objects.bulk_create([Species(name=name) for name in SPECIES])
    names = [name.replace("'", "''") for name in GIVEN_NAMES]
    statement = (SQLITE if connection.vendor == "sqlite" else POSTGRESQL).format(
        table=TABLE,
        epoch=int(FIRST.timestamp()),
        last=count - 1,
        names="[" + ",".join(f'"{name}"' for name in names) + "]",
        array=", ".join(f"'{name}'" for name in names),
        name_count=len(names),
        first_species=species[0].pk,
        species_count=len(species),
        first_node=nodes[0].pk,
        nodes=NODES,
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
