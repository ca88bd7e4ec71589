"""The clocks of the hosts differ, and nothing is judged by the wrong one."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from birdwatcher.nodes.models import Node
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.processes import Processes
from tests.support.waiting import STARTING, wait_until

AHEAD = (90.0, -90.0)  # seconds; a daemon counts as gone after 20


def health(processes: Processes, database: Database, ahead: float = 0) -> tuple[int, str]:
    """Run `health` on a host whose clock is so far ahead."""
    program = processes.python(
        "-m", "tests.support.shifted", str(ahead), "health", env=database.env
    )
    return program.wait(STARTING), program.text()


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_daemon_is_judged_by_the_clock_of_the_database(
    database: Database,
    processes: Processes,
    field_node: Callable[..., FieldNode],
    ahead: float,
) -> None:
    """The daemon's host is ahead, and health is asked on one that is as far behind."""
    field = field_node()
    Node.objects.create(name="Dartmoor", ip_address=field.host, port=field.port)
    command = ("-m", "tests.support.shifted", str(ahead), "connectnodes")
    daemon = processes.python(*command, env=database.env, kind=Daemon)
    daemon.wait_until_up()
    wait_until(
        lambda: health(processes, database, -ahead)[0] == 1,
        timeout=STARTING,
        message=lambda: f"{health(processes, database, -ahead)}",
    )
    _, said = health(processes, database, -ahead)
    ours, its = ("behind", "ahead of") if ahead > 0 else ("ahead of", "behind")
    assert re.match(rf"WARNING: the clock of this host is \d+ s {ours} the database's; ", said)
    assert re.search(rf"the clock of the daemon's host \S+ is \d+ s {its} the database's; ", said)
    assert "1 node, 1 connected" in said
    client = Client()
    client.force_login(User.objects.create_superuser("ranger"))
    page = client.get("/nodes/", secure=True).content.decode()
    assert "badge-good" in page
    assert "daemon not running" not in page
    assert daemon.stop() == 0
    code, said = health(processes, database, -ahead)
    assert code == 2
    assert re.search(r"the daemon was stopped \d+(\.\d)? s ago", said)
