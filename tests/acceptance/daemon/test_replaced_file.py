"""An operator puts another SQLite file in the place of the one that the daemon has open."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from birdwatcher.birds.models import Bird
from tests.support.databases import SQLITE, Database
from tests.support.park import Park
from tests.support.sqlitefile import back_up, file_of
from tests.support.waiting import stays_true

pytestmark = pytest.mark.parametrize("database", [SQLITE], indirect=True)

REPLACED = r"ERROR .*writer: the file .* was replaced or removed while it was in use"


def move_over(path: Path, backup: Path, park: Park) -> None:
    backup.replace(path)


def remove_and_put_back(path: Path, backup: Path, park: Park) -> None:
    """What arrives meanwhile waits, and no empty file takes the place."""
    path.unlink()
    park.daemon.wait_for_line("There is no file")
    stays_true(lambda: not path.exists(), seconds=1, message="the file stays away")
    backup.replace(path)


def swap_directory(path: Path, backup: Path, park: Park) -> None:
    """As when another volume is mounted; the spools and the lock file are elsewhere, too."""
    other = path.parent.with_name("other")
    shutil.copytree(path.parent, other, ignore=shutil.ignore_patterns("birdwatcher.sqlite3*"))
    shutil.copyfile(backup, other / path.name)
    path.parent.rename(path.parent.with_name("old"))
    other.rename(path.parent)


@pytest.mark.parametrize("replace", [move_over, remove_and_put_back, swap_directory])
def test_what_is_acknowledged_is_in_the_file_that_the_path_names(
    park: Park, replace: Callable[[Path, Path, Park], None]
) -> None:
    station, path = park.add("Dartmoor"), file_of(park.database)
    station.field.send(20)
    station.wait_for_birds()
    backup = back_up(park.database)
    lost = station.field.send(20)  # these are in no backup
    station.wait_for_birds()
    for sighting in lost:
        station.field.sent.remove(sighting)
    connection.close()
    replace(path, backup, park)
    station.field.send(20)
    park.daemon.wait_for_line(REPLACED)
    station.field.send(20)
    station.wait_for_birds()
    assert station.field.accepted == 1
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        assert cursor.fetchone() == ("ok",)
    assert Bird.objects.count() == len(station.field.sent)


def test_the_web_follows_the_new_file(database: Database) -> None:
    """A connection that stays, such as that of the live feed, is opened anew."""
    from birdwatcher.common.database import engine
    from birdwatcher.common.database.opened import ReplacedError
    from birdwatcher.nodes.models import Node

    backup = back_up(database)
    Node.objects.create(name="Dartmoor", ip_address="127.0.0.1", port=1)
    engine().commits_of_others()
    backup.replace(file_of(database))
    with pytest.raises(ReplacedError):
        engine().commits_of_others()
    assert not Node.objects.exists()
    Node.objects.create(name="Exmoor", ip_address="127.0.0.1", port=2)
    connection.close()
    assert [node.name for node in Node.objects.all()] == ["Exmoor"]
