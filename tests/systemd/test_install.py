"""The install script: what it changes, and what it leaves alone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.waiting import STARTING, wait_until
from tests.systemd.field import Field
from tests.systemd.machine import Machine, Nursery
from tests.systemd.service import (
    CREDENTIALS,
    DAEMON,
    ENV_FILE,
    HASTE,
    INSTALLING,
    PIP,
    SOCKET,
    SOURCE,
    STATE,
    WEB,
    WHEELS,
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
    service.systemctl("enable", "--now", "birdwatcher.target", DAEMON, WEB)
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


def build_from_the_last(service: Service) -> None:
    """Have the release of the tree built in a moment: with the environment of the last one."""
    said = service.install("--dry-run").stdout
    (release,) = re.findall(r"^would build (\S+)$", said, re.MULTILINE)
    service.machine.run("cp", "--archive", "/opt/birdwatcher/current/.", release)
    parts = [f"{SOURCE}/{name}" for name in ("birdwatcher", "nodeproc", "supervisor")]
    service.machine.run("cp", "--recursive", *parts, release)


def test_what_fails_leaves_all_as_it_was(boot: Boot, installed: list[str]) -> None:
    """Another database that is not there, a build that fails or is interrupted, a tree of ours."""
    service = Service(boot(installed))
    machine = service.machine
    service.systemctl("start", DAEMON, WEB)
    said = refused(service, "--database-url=postgresql://birds:secret@127.0.0.1:1/birds")
    assert "could not be migrated" in said
    assert "secret" not in said
    assert not machine.path(f"{CREDENTIALS}/DATABASE_URL").exists()
    assert not list(machine.path("/run").glob("birdwatcher-*"))

    release_another(service)
    (before,) = releases(service)
    machine.run("mv", WHEELS, f"{WHEELS}.away")
    assert "pip could not install" in refused(service)
    machine.run("mv", f"{WHEELS}.away", WHEELS)
    assert releases(service) == {before}

    machine.run("systemd-run", "--collect", "--unit=install", f"{SOURCE}/systemd/install.sh")
    wait_until(lambda: len(releases(service)) == 2, timeout=STARTING, message="it builds")
    service.systemctl("stop", "install")
    assert releases(service) == {before}

    # What runs may still need its release, however many others have come since.
    build_from_the_last(service)
    service.install("--no-start")
    readme = machine.path(f"{SOURCE}/README.md")
    readme.write_text(readme.read_text() + "Another release.\n")
    build_from_the_last(service)
    service.install("--no-start")
    assert len(releases(service)) == 3
    assert before in releases(service)
    service.install()
    assert len(releases(service)) == 2
    assert before not in releases(service)

    machine.run("cp", "--recursive", SOURCE, "/opt/birdwatcher/source")
    for arguments in ([], ["--remove"]):
        script = "/opt/birdwatcher/source/systemd/install.sh"
        done = machine.run(script, *arguments, check=False)
        assert "unpack it elsewhere" in done.stderr
        assert machine.path(script).exists()


def refused(service: Service, *arguments: str) -> str:
    """Run the install script, which must fail, and return what it said."""
    done = service.install(*arguments, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout + done.stderr


def releases(service: Service) -> set[str]:
    """Return the names of the releases that are there."""
    return {path.name for path in service.machine.path("/opt/birdwatcher/releases").iterdir()}


def test_what_does_not_run_is_started(sqlite: Service) -> None:
    """Each by itself; for one that waits for its database the script waits a while."""
    sqlite.systemctl("enable", "--now", "birdwatcher.target", DAEMON, WEB)
    sqlite.stop()
    web = sqlite.show("MainPID", WEB)
    with sqlite.without_database():
        command = ["env", "PATIENCE=3", f"{SOURCE}/systemd/install.sh"]
        done = sqlite.machine.run(*command, check=False)
    assert done.returncode == 1
    # What it says it does.
    assert re.search(rf"^{DAEMON} is activating\. \w+", done.stderr, re.MULTILINE), done.stderr
    sqlite.install()
    assert sqlite.show("ActiveState") == "active"
    assert sqlite.show("MainPID", WEB) == web
    assert "unchanged: running" in sqlite.install().stdout


def test_a_migration_does_not_wait_for_a_lock(postgresql: Service) -> None:
    """It gives up, and nothing has changed. All this from where nothing may be executed."""
    machine = postgresql.machine
    machine.run("mount", "--bind", SOURCE, SOURCE)
    release_another(postgresql)
    build_from_the_last(postgresql)
    machine.run("mount", "-o", "remount,bind,noexec", SOURCE)
    lock = "BEGIN; LOCK django_migrations IN EXCLUSIVE MODE; SELECT pg_sleep(3600)"
    psql = ("runuser", "-u", "postgres", "--", "psql", "-p5499", "birdwatcher", "-c", lock)
    machine.run("systemd-run", "--unit=backup", *psql)
    install = ("bash", f"{SOURCE}/systemd/install.sh", "--no-start")
    done = machine.run(*install, env=PIP, check=False, timeout=INSTALLING)
    assert "lock timeout" in done.stderr
    assert "feathers" not in postgresql.python(TABLES)
    postgresql.systemctl("restart", postgresql.server)
    machine.run(*install, env=PIP, timeout=INSTALLING)
    assert "feathers" in postgresql.python(TABLES)


def test_remove_and_come_back(boot: Boot, installed: list[str]) -> None:
    """Data and configuration stay; what ran is gone."""
    service = Service(boot(installed))
    service.systemctl("start", "birdwatcher.target", DAEMON)
    service.install("--remove")
    assert not units(service)
    assert service.group() == []
    assert service.machine.path(f"{STATE}/birdwatcher.sqlite3").exists()
    assert service.machine.path(ENV_FILE).read_text().endswith(f"={list(HASTE.values())[-1]}\n")
    service.machine.run("mv", STATE, "/srv/birds")
    service.machine.run("ln", "--symbolic", "/srv/birds", STATE)
    assert "symbolic link" in refused(service, "--remove", "--purge")
    service.machine.run("rm", STATE)
    service.machine.run("mv", "/srv/birds", STATE)
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
    # The machine is a view of the system that runs the tests, which may have such files of its own.
    return [*(name for name in found.splitlines() if not Path(name).exists()), *user.splitlines()]


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
