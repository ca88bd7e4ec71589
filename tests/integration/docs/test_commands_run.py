"""Commands of the documents that are safe and quick do what the documents say."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import Node
from birdwatcher.rollups.models import HourlyCount
from tests.support import documents
from tests.support.databases import Database
from tests.support.documents import Shown
from tests.support.flock import make_flock
from tests.support.postgres import USER, PostgresCluster, find_programs
from tests.support.processes import ROOT

# They change nothing, or only what waits, in an empty database.
SAFE = ("axes_reset", "health", "migrate", "rebuildrollups", "spool")
INSTALL = "docs/install.md"


def test_safe_commands_run(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    found = set()
    for name in documents.NAMES:
        for shown in documents.shown_in(documents.text_of(name)):
            for program, *arguments in shown.programs():
                if program in {"./manage.py", "birdwatcher"} and arguments[0] in SAFE:
                    found.add(tuple(arguments))
    assert {command for command, *_ in found} == set(SAFE)
    for command, *options in sorted(found):
        if command == "health":
            with pytest.raises(SystemExit) as ended:
                call_command(command, *options)
            assert ended.value.code == 2  # no daemon has run
        else:
            call_command(command, *options)
    said = capsys.readouterr().out
    assert "CRITICAL: the daemon has never run" in said
    assert "Nothing is waiting." in said
    assert "Everything is committed." in said


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_is_said_of_an_installation_behind_a_proxy(database: Database) -> None:
    section = documents.section_of(INSTALL, "## Behind a proxy")
    variables = dict(
        line.split("=", 1) for line in next(documents.blocks_of(section, "sh")).split()
    )
    (shown,) = documents.shown_in(section)
    (words,) = shown.programs()
    done = subprocess.run(
        [sys.executable, "manage.py", *words[1:]],
        cwd=ROOT,
        env=database.env | variables | {"BIRDWATCHER_HTTPS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout == "System check identified no issues (1 silenced).\n"
    assert done.stderr == ""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_backup_of_sqlite_can_be_restored(database: Database, tmp_path: Path) -> None:
    backup, restore = _backup_and_restore("### SQLite")
    _fill(database, tmp_path)
    _run(backup, database, tmp_path, {})
    _lose(database)
    _run(restore, database, tmp_path, {})
    _check(database, tmp_path)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_backup_of_postgresql_can_be_restored(
    database: Database, shared_cluster: PostgresCluster, tmp_path: Path
) -> None:
    programs = find_programs()
    assert programs
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(shared_cluster.port),
        "PGUSER": USER,
    }
    backup, restore = _backup_and_restore("### PostgreSQL")
    _fill(database, tmp_path)
    _run(backup, database, tmp_path, environment)
    _lose(database)
    _run(restore, database, tmp_path, environment)
    _check(database, tmp_path)


def _backup_and_restore(heading: str) -> tuple[list[Shown], list[Shown]]:
    """Return the commands of the two blocks of a section."""
    section = documents.section_of(INSTALL, heading)
    backup, restore = (
        documents.shown_in(f"```console\n{block}```")
        for block in documents.blocks_of(section, "console")
    )
    return backup, restore


def _fill(database: Database, tmp_path: Path) -> None:
    make_flock(seed=1, count=30)
    (database.state_dir / "spool").mkdir(exist_ok=True)
    (database.state_dir / "spool" / "7.spool").write_text("what waits")
    (tmp_path / "etc").mkdir()


def _lose(database: Database) -> None:
    Node.objects.all().delete()
    connection.close()
    shutil.rmtree(database.state_dir / "spool")
    (database.state_dir / "spool").mkdir()
    (database.state_dir / "spool" / "8.spool").write_text("what came later")


def _check(database: Database, tmp_path: Path) -> None:
    assert Bird.objects.count() == 30
    assert sum(HourlyCount.objects.values_list("birds", flat=True)) == 30
    assert [path.name for path in (database.state_dir / "spool").iterdir()] == ["7.spool"]
    assert (tmp_path / "etc.backup").is_dir()


def _run(
    commands: Iterable[Shown], database: Database, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Run commands as their user would, with paths and a database of this test's own."""
    name = database.url.rpartition("/")[2]
    for shown in commands:
        line = re.sub(r"^sudo (-u postgres )?", "", shown.line)
        if line.startswith(("systemctl ", "birdwatcher ")):
            continue
        line = line.replace("/var/lib/birdwatcher", str(database.state_dir))
        line = line.replace("/etc/birdwatcher", str(tmp_path / "etc"))
        line = line.replace("-o birdwatcher -g birdwatcher ", "")
        line = re.sub(r"( |--dbname=)birdwatcher(?= |$)", rf"\1{name}", line)
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, (line, done.stderr)
