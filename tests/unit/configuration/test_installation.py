"""The files that are installed: they agree with the program, and with what is promised of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from birdwatcher.configuration import config, document
from birdwatcher.configuration.sources import ENV_FILE

SYSTEMD = config.BASE_DIR / "systemd"
SCRIPTS = ("install.sh", "release.sh", "database.sh", "remove.sh")
SERVICES = ("birdwatcher.service", "birdwatcher-web.service")


def run(*command: str) -> str:
    """Run a program that must succeed and return what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_example_names_every_variable_and_sets_none() -> None:
    path = document.EXAMPLE
    assert path.read_text() == document.render_example(), (
        "write it anew: python -m birdwatcher.configuration.document"
    )
    assert dotenv_values(path) == {}
    shown = set(re.findall(r"^#([A-Z_]+)=", path.read_text(), re.MULTILINE))
    assert shown == {setting.name for setting in config.SETTINGS} - {ENV_FILE}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_not_exposed(name: str) -> None:
    """systemd rates what a service could still do: 10 is everything."""
    run("systemd-analyze", "security", "--offline=true", "--threshold=15", str(SYSTEMD / name))


@pytest.mark.parametrize("name", SERVICES)
def test_both_services_are_hardened_alike(name: str) -> None:
    assert _hardening(SYSTEMD / name) == _hardening(SYSTEMD / SERVICES[0])


def _hardening(unit: Path) -> list[str]:
    lines = unit.read_text().splitlines()
    return [
        line
        for line in lines[lines.index("NoNewPrivileges=yes") : lines.index("[Install]")]
        if line and not line.startswith("#")
    ]


@pytest.mark.parametrize("name", [*SCRIPTS, "birdwatcher"])
def test_scripts_are_understood_by_their_shell(name: str) -> None:
    path = SYSTEMD / name
    shell = "sh" if path.read_text().startswith("#!/bin/sh") else "bash"
    run(shell, "-n", str(path))


def test_the_install_script_explains_itself() -> None:
    said = run(str(SYSTEMD / "install.sh"), "--help")
    for option in ("--database-url", "--dry-run", "--no-start", "--remove", "--purge"):
        assert option in said
