"""Fixtures of the tests under systemd: machines on which Birdwatcher is installed."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import requirements
from tests.support.databases import POSTGRESQL, SQLITE
from tests.support.postgres import find_programs
from tests.systemd.field import ADD_NODES, Field
from tests.systemd.machine import Machine, MachineError, Nursery, obstacle
from tests.systemd.service import DAEMON, HASTE, SOURCE, WHEELS, Service
from tests.systemd.tree import copy_tree, download_wheels

CLUSTER, PORT = "birds", 5499  # of PostgreSQL
URL = f"postgresql://birdwatcher@%2Frun%2Fpostgresql:{PORT}/birdwatcher"

_numbers = itertools.count(1)


def server_of(version: str) -> str:
    """Return the unit of the PostgreSQL server."""
    return f"postgresql@{version}-{CLUSTER}.service"


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Starts machines, where this system can have any."""
    if reason := obstacle():
        requirements.left_out("systemd", reason)
    try:
        nursery = Nursery()
        nursery.boot("trial").down()
    except MachineError as error:
        requirements.left_out("systemd", f"no machine with systemd can be booted: {error}")
    nursery.drop("trial")
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def files(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The layers of a machine that has this tree, and what pip needs."""
    layer = nursery.layer("files")
    copy_tree(layer / SOURCE[1:])
    # Not into the layer at once: pip resolves links, and would take /proc/<pid>/root for /.
    wheels = tmp_path_factory.mktemp("wheels")
    download_wheels(wheels)
    shutil.copytree(wheels, layer / WHEELS[1:])
    return ["files"]


@pytest.fixture(scope="session")
def installed(nursery: Nursery, files: list[str]) -> list[str]:
    """The layers of a machine on which Birdwatcher is installed, with SQLite; it does not run."""
    with nursery.boot("installed", files) as machine:
        service = Service(machine)
        service.install()
        service.python(ADD_NODES)
        _come_to_rest(service, nursery.layer("installed"))
    return ["installed", *files]


@pytest.fixture(scope="session")
def postgresql_version() -> str:
    """PostgreSQL's version, such as 15."""
    if not (programs := find_programs()):
        requirements.left_out("postgresql", "PostgreSQL is not installed")
    return programs.parent.name


@pytest.fixture(scope="session")
def with_postgresql(nursery: Nursery, installed: list[str], postgresql_version: str) -> list[str]:
    """The same with a PostgreSQL server, which does not run either."""
    with nursery.boot("postgresql", installed) as machine:
        service = Service(machine, server_of(postgresql_version))
        cluster = (postgresql_version, CLUSTER)
        machine.run("pg_createcluster", f"--port={PORT}", *cluster, "--", "--no-sync")
        service.systemctl("start", service.server)
        postgres = ("runuser", "-u", "postgres", "--")
        machine.run(*postgres, "createuser", f"-p{PORT}", "birdwatcher")
        machine.run(*postgres, "createdb", f"-p{PORT}", "--owner=birdwatcher", "birdwatcher")
        service.install(f"--database-url={URL}")
        service.python(ADD_NODES)
        _come_to_rest(service, nursery.layer("postgresql"))
    return ["postgresql", *installed]


def _come_to_rest(service: Service, layer: Path) -> None:
    """Shut the machine down; later ones begin with an empty journal."""
    service.systemctl("stop", "birdwatcher.target")
    service.systemctl("disable", "birdwatcher.target", DAEMON)
    service.configure(**HASTE)
    service.machine.power_off()
    shutil.rmtree(layer / "var/log/journal")
    (layer / "var/log/journal").mkdir()


@pytest.fixture
def boot(nursery: Nursery) -> Iterator[Callable[[list[str]], Machine]]:
    """`boot(layers)`: a machine of the test's own."""
    machines: list[tuple[str, Machine]] = []

    def boot(layers: list[str]) -> Machine:
        name = f"test-{next(_numbers)}"
        machines.append((name, nursery.boot(name, layers)))
        return machines[-1][1]

    yield boot
    for name, machine in reversed(machines):
        machine.down()
        nursery.drop(name)


@pytest.fixture
def sqlite(boot: Callable[[list[str]], Machine], installed: list[str]) -> Service:
    """The service, not started, with SQLite."""
    return Service(boot(installed))


@pytest.fixture
def postgresql(
    boot: Callable[[list[str]], Machine], with_postgresql: list[str], postgresql_version: str
) -> Service:
    """The service, not started, with PostgreSQL, which runs."""
    service = Service(boot(with_postgresql), server_of(postgresql_version))
    service.systemctl("start", service.server)
    return service


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def service(request: pytest.FixtureRequest) -> Service:
    """The service, not started, on either database."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def field(request: pytest.FixtureRequest) -> Iterator[Callable[[Service], Field]]:
    """`field(service)`: its nodes, which talk to whoever comes."""
    fields: list[Field] = []

    def field(service: Service) -> Field:
        fields.append(Field(service.machine, service))
        fields[-1].load.start()
        return fields[-1]

    yield field
    for it in fields:
        it.load.stop()
