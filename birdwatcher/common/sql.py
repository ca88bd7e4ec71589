"""SQL in files: fixed statements lie in the folder `sql` of their room, with comments.

A file is called after what it is about and the database that it is for: `triggers.sqlite.sql`. Each
of its parts begins with a line `-- name: ...`.
"""

import functools
import re
from collections.abc import Callable, Mapping
from importlib import resources

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from birdwatcher.common.database import engine_of

NAME = re.compile(r"^-- name: (.+)\n", re.MULTILINE)


@functools.cache
def load(room: str, file: str, database: str) -> Mapping[str, str]:
    """Return the parts of a file by their names, without any where there is no such file.

    `room` is the name of its package; `database` is the name of an engine.
    """
    path = resources.files(room) / "sql" / f"{file}.{database}.sql"
    if not path.is_file():
        return {}
    _, *parts = NAME.split(path.read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def run(schema_editor: BaseDatabaseSchemaEditor, room: str, file: str, name: str) -> None:
    """Execute one part of a file, if the database has it. Raises django.db.Error."""
    engine = engine_of(schema_editor.connection)
    for statement in engine.statements(load(room, file, engine.name).get(name, "")):
        schema_editor.execute(statement, params=None)


def runs(room: str, file: str, name: str) -> Callable[[StateApps, BaseDatabaseSchemaEditor], None]:
    """Return a function for `RunPython` in a migration that executes one part of a file."""
    return lambda apps, schema_editor: run(schema_editor, room, file, name)
