"""The engines of the databases, and the SQL in files."""

import ast
from pathlib import Path

import pytest

from birdwatcher.common import sql
from birdwatcher.common.database import ENGINES
from birdwatcher.common.database.sqlite import SQLite
from tests.support.rooms import ROOT, files_of, tree_of

FILES = sorted(ROOT.glob("birdwatcher/**/sql/*.sql"))


def test_only_the_engines_know_which_database_it_is() -> None:
    asking = {
        str(path.parent)
        for path in files_of("birdwatcher")
        for part in ast.walk(tree_of(path))
        if isinstance(part, ast.Attribute) and part.attr == "vendor"
    }
    assert asking == {"birdwatcher/common/database"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_sql_is_for_one_engine_and_has_named_parts(path: Path) -> None:
    name, database, _ = path.name.split(".")
    assert database in ENGINES
    room = ".".join(path.parent.parent.relative_to(ROOT).parts)
    parts = sql.load(room, name, database)
    assert parts
    assert all(text.strip() for text in parts.values())


def test_a_database_without_a_file_has_nothing_to_run() -> None:
    assert sql.load("birdwatcher.nodes", "notify", "sqlite") == {}
    assert list(SQLite().statements("")) == []


def test_sqlite_gets_one_statement_at_a_time() -> None:
    trigger = (
        "CREATE TRIGGER t AFTER DELETE ON a BEGIN\n    DELETE FROM b;\n    DELETE FROM c;\nEND;\n"
    )
    assert list(SQLite().statements(f"{trigger}DROP TABLE a;\n")) == [trigger, "DROP TABLE a;\n"]
