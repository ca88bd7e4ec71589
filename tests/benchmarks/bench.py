"""What every figure is measured with: databases as in production, the daemon, the load."""

import contextlib
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from django.contrib.auth.models import User
from django.db.models import Sum
from django.test import Client

from birdwatcher.nodes.models import Node, NodeStatus
from nodeproc.states import NodeState
from supervisor.resources import raise_limits
from tests.benchmarks.events import address
from tests.benchmarks.load import Load, generator
from tests.benchmarks.system import family
from tests.support import postgres
from tests.support.daemon import Daemon
from tests.support.databases import Database, Databases
from tests.support.ports import PortBlock
from tests.support.postgres import PostgresCluster
from tests.support.processes import Processes
from tests.support.waiting import wait_until

# Durable, as in production, unlike the server of the tests; and nothing that falls into one round
# and not into the other.
POSTGRESQL_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "autovacuum": "off",
    "max_connections": "50",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "maintenance_work_mem": "512MB",  # for building the indexes of ten million birds
    "log_min_messages": "warning",
}
SETTLING = 120.0  # seconds
COMMITTING = 300.0


class Bench:
    """Makes what the figures need, and stops all of it at the end."""

    def __init__(self, directory: Path) -> None:
        """`directory` is empty, and removed by whoever made it."""
        raise_limits()
        self._directory = directory
        self._ports = PortBlock()
        self._numbers = itertools.count(1)
        self._clusters: list[PostgresCluster] = []
        self._databases = Databases(directory, self.cluster)
        self.env = dict(os.environ)
        self.processes = Processes(directory, lambda: {it.pid for it in self._clusters})

    def cluster(self) -> PostgresCluster:
        """Return the PostgreSQL server, which is started when first asked for."""
        if not self._clusters:
            programs = postgres.find_programs()
            if programs is None:
                sys.exit("PostgreSQL is not installed; DATABASE=sqlite does without")
            made = PostgresCluster(programs, self._ports.take(), POSTGRESQL_SETTINGS)
            self._clusters.append(made)
            made.start()
        return self._clusters[0]

    def port(self) -> int:
        """Return a port nobody listens on."""
        return self._ports.take()

    @contextlib.contextmanager
    def database(self, vendor: str) -> Iterator[Database]:
        """Make a migrated, empty database; Django here looks into it until the end."""
        state_dir = self._directory / f"state-{next(self._numbers)}"
        state_dir.mkdir()
        with self._databases.fresh(vendor, state_dir) as database:
            if self._clusters:
                with self._clusters[0].connect() as connection:
                    connection.execute("CHECKPOINT")
            yield database

    @contextlib.contextmanager
    def load(self) -> Iterator[Load]:
        """Start a load generator on a port of its own."""
        with generator(self.processes, self._directory, self.env, self.port()) as load:
            yield load

    @contextlib.contextmanager
    def daemon(self, database: Database, *program: str) -> Iterator[Daemon]:
        """Run the daemon, or a `program` (arguments of Python) in its stead."""
        arguments = program or ("manage.py", "connectnodes")
        env = database.env | {"DJANGO_SETTINGS_MODULE": "birdwatcher.settings"}
        started = self.processes.python(*arguments, env=env, kind=Daemon)
        assert isinstance(started, Daemon)
        try:
            yield started
            if code := started.stop(timeout=SETTLING):
                raise AssertionError(f"{started} ended with {code}:\n{started.text()[-4000:]}")
        finally:
            if started.exit_code is None:
                started.send(signal.SIGKILL)
                started.wait()

    def server_pids(self) -> list[int]:
        """Return the PostgreSQL server's processes, if it runs."""
        return family(self._clusters[0].pid) if self._clusters else []

    def close(self) -> list[str]:
        """Stop everything; return a complaint for each process that did not behave."""
        complaints = self.processes.close()
        for cluster in self._clusters:
            cluster.remove()
        self._ports.close()
        return complaints


def add_nodes(count: int, port: int, first: int = 0) -> list[Node]:
    """Save so many enabled nodes, each at its own address."""
    rows = [
        Node(name=f"Node {number}", ip_address=address(number), port=port)
        for number in range(first, first + count)
    ]
    return Node.objects.bulk_create(rows)


def wait_until_settled(count: int) -> None:
    """Wait until the database says that so many nodes are connected."""
    connected = NodeStatus.objects.filter(state=NodeState.CONNECTED)
    wait_until(
        lambda: connected.count() == count,
        timeout=SETTLING,
        message=lambda: f"{count} nodes connected, there are {connected.count()}",
    )


def committed() -> int:
    """How many events are committed: counted along, in the transaction of the birds themselves."""
    return NodeStatus.objects.aggregate(events=Sum("events"))["events"] or 0


def wait_until_committed(events: int) -> None:
    """Wait until so many events are committed, or more."""
    wait_until(
        lambda: committed() >= events,
        timeout=COMMITTING,
        message=lambda: f"{events} events committed, there are {committed()}",
    )


def keeper() -> Client:
    """Return a browser in the admin, logged in, of the database that Django looks into."""
    user = User.objects.filter(username="keeper").first() or User.objects.create_superuser("keeper")
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client
