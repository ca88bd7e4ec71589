"""The install script: what it changes, and what it leaves alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.systemd.field import Field
from tests.systemd.machine import Machine, Nursery
from tests.systemd.service import (
    CREDENTIALS,
    DAEMON,
    ENV_FILE,
    HASTE,
    SOCKET,
    SOURCE,
    STATE,
    WEB,
    Service,
)

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

Boot = Callable[[list[str]], Machine]

# What changes in a machine by itself.
RESTLESS = ("var/log/journal/", "var/lib/systemd/", "etc/machine-id")

MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("birds", "{last}")]
    operations = [migrations.RunSQL("CREATE TABLE feathers (id integer)")]
"""


def changed(top: Path, *below: str) -> dict[str, tuple[int, int]]:
    """Return what a machine has changed below these directories of its layer: when, its size."""
    files = [path for directory in below for path in (top / directory).rglob("*")]
    names = {str(path.relative_to(top)): path.lstat() for path in files}
    return {
        name: (status.st_mtime_ns, status.st_size)
        for name, status in names.items()
        if not (name + "/").startswith(RESTLESS) and not Path(top, name).is_dir()
    }


def test_dry_run_changes_nothing(nursery: Nursery, boot: Boot, files: list[str]) -> None:
    service = Service(boot(files))
    layer = nursery.layer(service.machine.layer)
    before = changed(layer, "")
    said = service.install("--dry-run").stdout
    assert "would" in said
    assert changed(layer, "") == before
    assert service.machine.run("getent", "passwd", "birdwatcher", check=False).returncode


def test_again_changes_nothing(nursery: Nursery, boot: Boot, installed: list[str]) -> None:
    service = Service(boot(installed))
    layer = nursery.layer(service.machine.layer)
    service.systemctl("enable", "--now", "birdwatcher.target", DAEMON)
    before = changed(layer, "etc", "opt", "usr")
    pids = [service.show("MainPID", unit) for unit in (DAEMON, WEB)]
    service.install()
    assert changed(layer, "etc", "opt", "usr") == before
    assert [service.show("MainPID", unit) for unit in (DAEMON, WEB)] == pids


def test_upgrade(boot: Boot, installed: list[str], field: Callable[[Service], Field]) -> None:
    """Another release, with a migration: nothing is lost, and the configuration stays."""
    service = Service(boot(installed))
    nodes = field(service)
    service.systemctl("start", "birdwatcher.target", DAEMON)
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    kept = [ENV_FILE, f"{CREDENTIALS}/BIRDWATCHER_SECRET_KEY"]
    before = [service.machine.path(name).read_text() for name in kept]
    pid = service.show("MainPID")

    release_another(service)
    service.install("--dry-run")
    assert service.show("MainPID") == pid
    service.install()
    assert service.show("MainPID") != pid
    assert [service.machine.path(name).read_text() for name in kept] == before
    assert "feathers" in service.python(TABLES)
    nodes.wait_for_traffic()
    nodes.balance()


TABLES = "from django.db import connection; print(connection.introspection.table_names())"


def release_another(service: Service) -> None:
    """Make the tree in the machine a newer one."""
    migrations = service.machine.path(f"{SOURCE}/birdwatcher/birds/migrations")
    last = max(path.stem for path in migrations.glob("0*.py"))
    (migrations / "0999_feathers.py").write_text(MIGRATION.format(last=last))


def test_remove_and_come_back(boot: Boot, installed: list[str]) -> None:
    """Data and configuration stay; what ran is gone."""
    service = Service(boot(installed))
    service.systemctl("start", "birdwatcher.target", DAEMON)
    service.install("--remove")
    assert not units(service)
    assert service.group() == []
    assert service.machine.path(f"{STATE}/birdwatcher.sqlite3").exists()
    assert service.machine.path(ENV_FILE).read_text().endswith(f"={list(HASTE.values())[-1]}\n")
    service.install("--remove", "--purge")
    assert leftovers(service.machine) == []


def units(service: Service) -> str:
    """Return what systemd knows of units of ours."""
    files = service.systemctl("list-unit-files", "--no-legend", "birdwatcher*", check=False)
    loaded = service.systemctl("list-units", "--all", "--no-legend", "birdwatcher*")
    return files.stdout + loaded.stdout


def leftovers(machine: Machine) -> list[str]:
    """Return every file where programs belong whose name tells of us, and the user."""
    places = ("/etc", "/opt", "/usr/local", "/usr/lib", "/var", "/run", "/tmp")  # noqa: S108
    found = machine.run("find", *places, "-iname", "*birdwatcher*").stdout
    user = machine.run("getent", "passwd", "birdwatcher", check=False).stdout
    return [*found.splitlines(), *user.splitlines()]


def test_reboot(boot: Boot, installed: list[str], field: Callable[[Service], Field]) -> None:
    """A machine that is switched off and on again: everything starts, and nothing is lost."""
    service = Service(boot(installed))
    service.systemctl("enable", "birdwatcher.target", DAEMON, WEB, SOCKET)
    nodes = field(service)
    service.systemctl("start", "birdwatcher.target")
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    nodes.load.reader = None  # the machine's network is about to go
    service.machine.power_off()

    again = Service(boot([service.machine.layer, *installed]))
    nodes.move_to(again.machine, again)
    again.wait_for("ActiveState", "active")
    assert again.show("ActiveState", SOCKET) == "active"
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    nodes.balance()
