"""The daemon as process 1, as in a container: it reaps orphans, and knows its own children."""

import subprocess
from collections.abc import Callable

import psutil
import pytest

from birdwatcher.nodes.models import Node
from tests.support import requirements
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database
from tests.support.fieldnode import FieldNode
from tests.support.processes import Processes
from tests.support.waiting import STARTING, wait_until

NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")
ORPHANS = 5
ORPHAN = "for number in 1 2 3 4 5; do sleep 0.5 & done"
PROGRAM = """
import os, sys
os.execvp("unshare", [*sys.argv[1:], sys.executable, "manage.py", "connectnodes"])
"""


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_orphans_do_not_stay_zombies(
    database: Database, processes: Processes, field_node: Callable[..., FieldNode]
) -> None:
    try:
        subprocess.run([*NAMESPACE, "true"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        requirements.left_out("namespaces", "no process namespace can be made")
    field = field_node()
    Node.objects.create(name="Dartmoor", ip_address=field.host, port=field.port)
    program = processes.python("-c", PROGRAM, *NAMESPACE, env=database.env, kind=Daemon)
    wait_until(field.connected, timeout=STARTING, message=program.text)
    (first,) = psutil.Process(program.pid).children()
    own = {child.pid for child in first.children()}
    enter = ("nsenter", f"--target={first.pid}", "--pid", "--mount", "sh", "-c", ORPHAN)
    subprocess.run(enter, check=True)

    def orphans() -> set[int]:
        return {child.pid for child in first.children()} - own

    wait_until(
        lambda: len(orphans()) == ORPHANS, timeout=STARTING, message="the orphans are its children"
    )
    wait_until(lambda: not orphans(), timeout=STARTING, message="the orphans are reaped")

    node = next(pid for pid in own if "Dartmoor" in " ".join(psutil.Process(pid).cmdline()))
    psutil.Process(node).kill()
    program.wait_for_line("killed by SIGKILL")
    wait_until(field.connected, timeout=STARTING, message=program.text)
    first.terminate()
    assert program.wait() == 0
