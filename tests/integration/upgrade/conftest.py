"""The installation of an earlier release, with its database migrated to this one."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.support.databases import POSTGRESQL, SQLITE, Databases, migrate
from tests.support.upgrade import Installation, load


@pytest.fixture(scope="module", params=(SQLITE, POSTGRESQL))
def upgraded(
    request: pytest.FixtureRequest,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    """The installation after `./manage.py migrate`, for every test of a module: to be copied."""
    state_dir = tmp_path_factory.mktemp("upgraded")
    with databases.fresh(request.param, state_dir, migrated=False) as database:
        loaded = load(database)
        connection.close()
        migrate(database)
        yield loaded


@pytest.fixture
def installation(
    upgraded: Installation, databases: Databases, tmp_path: Path
) -> Iterator[Installation]:
    """A copy of it for one test, which Django in this process uses."""
    state_dir = tmp_path / "state"
    state_dir.mkdir()
    with databases.copy_of(upgraded.database, state_dir) as database:
        yield dataclasses.replace(upgraded, database=database)
