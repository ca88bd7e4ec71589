"""The unit files themselves."""

import re

import pytest

from tests.systemd.service import DAEMON, SOCKET, WEB, Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

UNITS = (DAEMON, WEB, SOCKET, "birdwatcher.target", "birdwatcher.slice")
MOST_EXPOSED = 1.5  # of 10, as `systemd-analyze security` counts


def test_systemd_has_nothing_to_say_of_them(sqlite: Service) -> None:
    for unit in UNITS:
        done = sqlite.machine.run(
            "systemd-analyze", "verify", "--man=no", f"/etc/systemd/system/{unit}"
        )
        assert (done.stdout, done.stderr) == ("", ""), unit


def test_they_can_do_little(sqlite: Service) -> None:
    for unit in (DAEMON, WEB):
        path = f"/etc/systemd/system/{unit}"
        said = sqlite.machine.run("systemd-analyze", "security", "--offline=true", path).stdout
        match = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert match, said
        assert float(match[1]) <= MOST_EXPOSED, said
