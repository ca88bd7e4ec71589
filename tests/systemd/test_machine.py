"""The machines themselves."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT, dies_with_us, is_alive
from tests.support.waiting import STOPPING, wait_until
from tests.systemd import cgroups
from tests.systemd.machine import Nursery

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

BOOTS = """
import time
from tests.systemd.machine import Nursery
machine = Nursery().boot("forgotten")
print(machine.leader, machine.name, flush=True)
time.sleep(600)
"""


def test_a_killed_run_leaves_no_machine(nursery: Nursery) -> None:
    with subprocess.Popen(
        dies_with_us([sys.executable, "-c", BOOTS]), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        leader, name = run.stdout.readline().split()
        assert is_alive(int(leader))
        run.kill()
    wait_until(lambda: not is_alive(int(leader)), timeout=STOPPING, message="it is gone")
    Nursery().close()  # which begins with removing what is left of others
    assert not [root for root in cgroups.roots() if (root / name).exists()]


def test_layers(nursery: Nursery) -> None:
    """What one machine has changed is there in the next, and nowhere else."""
    with nursery.boot("below") as below:
        below.path("/etc/kept").write_text("kept")
        below.run("rm", "/etc/hosts")
    with nursery.boot("above", ["below"]) as above:
        assert above.run("cat", "/etc/kept").stdout == "kept"
        assert above.run("test", "-e", "/etc/hosts", check=False).returncode
    assert not Path("/etc/kept").exists()
    assert Path("/etc/hosts").exists()
    for name in ("above", "below"):
        nursery.drop(name)
