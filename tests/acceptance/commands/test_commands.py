"""Commands under circumstances that an operator meets: one sentence with the cure, or they work."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import Node
from tests.support.databases import Database, environment
from tests.support.fieldnode import FieldNode
from tests.support.ports import PortBlock
from tests.support.processes import ROOT, Processes
from tests.support.waiting import STARTING, wait_until


@pytest.mark.parametrize("at_once", [3])
def test_several_may_migrate_at_once(
    blank_database: Database, processes: Processes, at_once: int
) -> None:
    programs = [processes.manage("migrate", env=blank_database.env) for _ in range(at_once)]
    assert [it.wait(2 * STARTING) for it in programs] == [0] * at_once
    texts = [it.text() for it in programs]
    assert sorted("No migrations to apply" in text for text in texts) == [False, True, True]
    assert not any("Traceback" in text for text in texts)


@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        ("createsuperuser", "--noinput", "--username", "x", "--email", "x@park.example"),
        ("axes_reset",),
        ("rebuildrollups",),
    ],
    ids=lambda command: command[0],
)
def test_without_a_database_a_command_is_one_sentence(
    processes: Processes, ports: PortBlock, tmp_path: Path, command: tuple[str, ...]
) -> None:
    env = environment(f"postgresql://warden@127.0.0.1:{ports.take()}/birds", tmp_path)
    program = processes.manage(*command, env=env)
    assert program.wait(STARTING) == 1
    (line,) = program.text().splitlines()
    assert "The database" in line
    assert "refused" in line.lower()


def test_a_database_without_tables_is_named(
    blank_database: Database, processes: Processes, ports: PortBlock
) -> None:
    """And so is a variable that nobody reads."""
    env = blank_database.env | {"BIRDWATCHER_WEB_WORKER": "1"}
    serving = processes.manage("serve", f"127.0.0.1:{ports.take()}", env=env)
    resetting = processes.manage("axes_reset", env=blank_database.env)
    assert serving.wait(STARTING) == os.EX_CONFIG
    unknown, lack = serving.text().splitlines()
    assert unknown.startswith("BIRDWATCHER_WEB_WORKER in the environment is no variable")
    assert unknown.endswith("did you mean BIRDWATCHER_WEB_WORKERS?")
    assert lack.endswith("run ./manage.py migrate, then start again.")
    assert resetting.wait(STARTING) == 1
    (line,) = resetting.text().splitlines()
    assert line.endswith("run ./manage.py migrate.")


@pytest.mark.parametrize("closed", ["0<&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_daemon_needs_no_standard_streams(
    database: Database,
    processes: Processes,
    field_node: Callable[..., FieldNode],
    closed: str,
) -> None:
    field = field_node()
    Node.objects.create(name="Dartmoor", ip_address=field.host, port=field.port)
    bash = shutil.which("bash")
    assert bash
    line = f"exec {sys.executable} {ROOT}/manage.py connectnodes {closed}"
    daemon = processes.program(bash, "-c", line, env=database.env)
    wait_until(field.connected, timeout=STARTING, message=daemon.text)
    field.send()
    wait_until(Bird.objects.exists, timeout=STARTING, message=daemon.text)
    assert daemon.stop() == 0
