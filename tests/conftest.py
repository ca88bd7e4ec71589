"""Fixtures of all tests: databases, processes, ports, nodes in the field, the admin.

Nothing is started before a test asks for it, and every test process (see pytest-xdist) has
everything of its own, so that tests may run side by side.
"""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test.utils import setup_test_environment, teardown_test_environment

from tests.support import postgres, requirements
from tests.support.daemon import Daemon
from tests.support.databases import (
    POSTGRESQL,
    SQLITE,
    Database,
    Databases,
    django_in,
    migrate,
)
from tests.support.fieldnode import FieldNode
from tests.support.ports import PortBlock, has_ipv6
from tests.support.postgres import PostgresCluster
from tests.support.processes import Processes
from tests.support.setup import set_up
from tests.support.waiting import STARTING, Promise, wait_until
from tests.support.web import Admin

USERNAME, PASSWORD = "keeper", "a warden of the park"
VENDORS = (SQLITE, POSTGRESQL)


def pytest_configure(config: pytest.Config) -> None:
    """Set Django up on a database that no test uses, and find every orphan from now on."""
    # In the background of a shell without job control SIGINT is ignored, which programs inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    set_up("tests")
    setup_test_environment(debug=settings.DEBUG)
    config.add_cleanup(teardown_test_environment)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups, whose tests run one after another: what comes last may run alone."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the slowest measurement of everything the program promises within a time."""
    slowest: dict[tuple[str, float], float] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "measured":
                    what, promised, seconds = value
                    slowest[what, promised] = max(seconds, slowest.get((what, promised), 0.0))
    if slowest:
        terminalreporter.section("promised and measured, in seconds, the slowest of each")
    for (what, promised), seconds in sorted(slowest.items()):
        terminalreporter.line(f"{promised:6.1f} {seconds:8.3f}  {what}")


@pytest.fixture(scope="session")
def ports() -> Iterator[PortBlock]:
    """TCP ports of this test process: `ports.take()`."""
    block = PortBlock()
    yield block
    block.close()


@pytest.fixture
def ipv6() -> None:
    """Leave the test out on a machine without IPv6."""
    if not has_ipv6():
        requirements.left_out("ipv6", "this machine has no IPv6")


@pytest.fixture(scope="session")
def clusters() -> Iterator[list[PostgresCluster]]:
    """Every PostgreSQL server of this test process; all are removed at the end."""
    made: list[PostgresCluster] = []
    yield made
    for cluster in made:
        cluster.remove()


@pytest.fixture(scope="session")
def make_cluster(
    clusters: list[PostgresCluster], ports: PortBlock
) -> Callable[..., PostgresCluster]:
    """`make_cluster(like=None)`: make a PostgreSQL server, a copy of `like`, not yet started."""

    def make(like: PostgresCluster | None = None) -> PostgresCluster:
        programs = postgres.find_programs()
        if programs is None:
            requirements.left_out("postgresql", "PostgreSQL is not installed")
        clusters.append(PostgresCluster(programs, ports.take(), like=like))
        return clusters[-1]

    return make


@pytest.fixture(scope="session")
def shared_cluster(make_cluster: Callable[..., PostgresCluster]) -> PostgresCluster:
    """The PostgreSQL server that all tests of this process share. Do not stop it."""
    cluster = make_cluster()
    cluster.start()
    return cluster


@pytest.fixture(scope="session")
def prepared_cluster(
    make_cluster: Callable[..., PostgresCluster], tmp_path_factory: pytest.TempPathFactory
) -> PostgresCluster:
    """A stopped PostgreSQL server with a migrated database `birds`, to be copied."""
    cluster = make_cluster()
    cluster.start()
    cluster.create_database("birds")
    migrate(Database(POSTGRESQL, cluster.url("birds"), tmp_path_factory.mktemp("prepared")))
    cluster.stop()
    return cluster


@pytest.fixture
def own_cluster(
    make_cluster: Callable[..., PostgresCluster], prepared_cluster: PostgresCluster
) -> Iterator[PostgresCluster]:
    """A PostgreSQL server for one test, not yet started: the test may do to it what it likes.

    It has a migrated database `birds`.
    """
    cluster = make_cluster(like=prepared_cluster)
    yield cluster
    cluster.remove()


@pytest.fixture
def own_database(own_cluster: PostgresCluster, tmp_path: Path) -> Iterator[Database]:
    """The database of `own_cluster`, which runs; Django in this process uses it too."""
    own_cluster.start()
    database = Database(POSTGRESQL, own_cluster.url("birds"), tmp_path)
    with django_in(database):
        yield database


@pytest.fixture(scope="session")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    """Makes databases; PostgreSQL is started when the first one is wanted."""
    return Databases(
        tmp_path_factory.mktemp("databases"), lambda: request.getfixturevalue("shared_cluster")
    )


@pytest.fixture(params=VENDORS)
def database(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path
) -> Iterator[Database]:
    """A migrated, empty database that Django in this process uses too; one test a vendor.

    `@pytest.mark.parametrize("database", ["postgresql"], indirect=True)` takes one of them alone.
    """
    state_dir = tmp_path / "state"
    state_dir.mkdir()
    with databases.fresh(request.param, state_dir) as database:
        yield database


@pytest.fixture(params=VENDORS)
def blank_database(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path
) -> Iterator[Database]:
    """The same without a single table; for SQLite without a file."""
    state_dir = tmp_path / "state"
    state_dir.mkdir()
    with databases.fresh(request.param, state_dir, migrated=False) as database:
        yield database


@pytest.fixture
def processes(tmp_path: Path, clusters: list[PostgresCluster]) -> Iterator[Processes]:
    """Starts programs. The test fails if one of them, or any descendant, is left at its end."""
    directory = tmp_path / "output"
    directory.mkdir()
    started = Processes(directory, lambda: {cluster.pid for cluster in clusters})
    yield started
    complaints = started.close()
    # Pytest shows it beside a test that failed.
    print(started.output())  # noqa: T201
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


@pytest.fixture
def start_daemon(processes: Processes) -> Callable[..., Daemon]:
    """`start_daemon(database, up=True, **env)`: start `connectnodes`, and wait until it is up."""

    def start(database: Database, *, up: bool = True, **env: str) -> Daemon:
        daemon = processes.manage("connectnodes", env=database.env | env, kind=Daemon)
        if up:
            daemon.wait_until_up()
        return daemon

    return start


@pytest.fixture
def field_node(ports: PortBlock) -> Iterator[Callable[..., FieldNode]]:
    """`field_node(host="127.0.0.1", port=None)`: a node under the test's control.

    Without `port` it has a port of its own.
    """
    nodes: list[FieldNode] = []

    def make(host: str = "127.0.0.1", port: int | None = None) -> FieldNode:
        nodes.append(FieldNode(port or ports.take(), host))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


@pytest.fixture
def promise(record_property: Callable[[str, object], None]) -> Promise:
    """Waits for what the program promises within a time, and records how long it took."""
    return Promise(record_property)


@pytest.fixture
def start_web(processes: Processes, ports: PortBlock) -> Callable[[Database], Admin]:
    """`start_web(database)`: start `runserver`, return its admin; nobody is logged in yet."""

    def start(database: Database) -> Admin:
        address = f"127.0.0.1:{ports.take()}"
        server = processes.manage("runserver", "--noreload", address, env=database.env)
        server.wait_for_line("Starting .*development server")
        admin = Admin(f"http://{address}", server)
        wait_until(admin.is_up, timeout=STARTING, message=lambda: server.text())
        return admin

    return start


@pytest.fixture
def start_api(database: Database, processes: Processes, ports: PortBlock) -> Callable[..., str]:
    """`start_api(**env)`: serve the web UI, and return the address of the API."""

    def start(**env: str) -> str:
        address = f"127.0.0.1:{ports.take()}"
        variables = database.env | {"BIRDWATCHER_WEB_WORKERS": "1"} | env
        processes.manage("serve", address, env=variables).wait_for_line("web: listening on")
        return f"http://{address}/api/v1"

    return start


@pytest.fixture
def create_superuser(processes: Processes) -> Callable[[Database], tuple[str, str]]:
    """`create_superuser(database)`: run `createsuperuser`, return the name and the password."""

    def create(database: Database) -> tuple[str, str]:
        env = database.env | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        arguments = ("--noinput", "--username", USERNAME, "--email", "keeper@park.example")
        processes.run("createsuperuser", *arguments, env=env)
        return USERNAME, PASSWORD

    return create
