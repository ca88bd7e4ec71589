"""Limits of the system that are too low for the number of nodes."""

from collections.abc import Callable

import pytest

from birdwatcher.nodes.models import Node
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database
from tests.support.fieldnode import FieldNode
from tests.support.processes import Processes
from tests.support.waiting import STARTING, wait_until

FEW = 24  # descriptors, of which it needs some ten for itself
NODES = 15

pytestmark = pytest.mark.parametrize("database", [SQLITE], indirect=True)

LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.executable, [sys.executable, "manage.py", "connectnodes"])
"""


def test_too_few_descriptors_are_one_sentence(
    database: Database, processes: Processes, field_node: Callable[..., FieldNode]
) -> None:
    for number in range(NODES):
        field = field_node()
        Node.objects.create(name=f"moor {number}", ip_address=field.host, port=field.port)
    daemon = processes.python("-c", LIMITED, str(FEW), env=database.env, kind=Daemon)
    daemon.wait_for_line(
        f"{NODES} nodes need {2 * NODES + 64} descriptors, but only {FEW} are allowed: raise "
        "LimitNOFILE= of the service"
    )
    daemon.wait_for_line(
        "cannot start a process: no more descriptors are allowed: raise LimitNOFILE="
    )
    connected = wait_until(
        lambda: [node for node in daemon.nodes().values() if node.state == "connected"],
        timeout=STARTING,
        message=daemon.text,
    )
    assert len(connected) < NODES
    assert daemon.text().count("cannot start a process") <= 3
    assert daemon.text().count("nodes need") == 1
    assert "Traceback" not in daemon.text()
    assert daemon.stop() == 0
