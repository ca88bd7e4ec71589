"""What a question of the database may take: in the web UI not for ever, elsewhere what it takes."""

import subprocess
import sys

import pytest

from birdwatcher.common.limits import STATEMENT_TIMEOUT
from tests.support.databases import Database
from tests.support.processes import ROOT
from tests.support.waiting import STARTING

SHOW = """
import django
{first}
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    print(cursor.fetchone()[0])
"""


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_only_requests_are_bounded(database: Database) -> None:
    environment = database.env | {"DJANGO_SETTINGS_MODULE": "birdwatcher.settings"}
    shown = [
        subprocess.run(
            [sys.executable, "-c", SHOW.format(first=first)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=STARTING,
        ).stdout.strip()
        for first in ("import birdwatcher.asgi", "")
    ]
    assert shown == [f"{STATEMENT_TIMEOUT}s", "0"]
