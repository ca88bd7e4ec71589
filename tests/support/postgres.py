"""A PostgreSQL server for the tests alone, made from the installed programs."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from tests.support.processes import dies_with_us
from tests.support.waiting import STARTING, STOPPING, wait_until

USER = "birdwatcher"

# What a test server can do without is durability: it never has to survive the machine. Commits stay
# synchronous, so that what was acknowledged survives the end of the server's own processes.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "log_min_messages": "warning",
}


def find_programs() -> Path | None:
    """Return the folder with PostgreSQL's server programs, the newest version; None without."""
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    for initdb in sorted(installed, key=lambda path: int(path.parts[-3]), reverse=True):
        return initdb.parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root: name the user that it runs as then."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class PostgresCluster:
    """One server with a directory of its own, on a Unix socket and a TCP port of 127.0.0.1.

    It may be started and stopped as often as a test likes; the port stays the same.
    """

    def __init__(
        self,
        programs: Path,
        port: int,
        settings: Mapping[str, str] = SETTINGS,
        *,
        like: "PostgresCluster | None" = None,
    ) -> None:
        """`like`: a server that is stopped, whose databases this one begins with."""
        self.port = port
        self._settings = settings
        self._programs = programs
        self._user = _server_user()
        # Directly under /tmp: the path of a Unix socket has about a hundred characters, and the
        # server's user cannot look into the directories that pytest makes.
        self.directory = Path(tempfile.mkdtemp(prefix="bw-pg-", dir="/tmp"))
        self._data = self.directory / "data"
        self._log = self.directory / "log"
        self._server: subprocess.Popen[bytes] | None = None
        if self._user:
            shutil.chown(self.directory, self._user)
        if like:
            subprocess.run(["cp", "--archive", like._data, self._data], check=True)
        else:
            self._init()

    def _init(self) -> None:
        # fmt: off
        command = [
            self._programs / "initdb", "--no-sync", "--auth=trust", f"--username={USER}",
            "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={self._data}",
        ]
        # fmt: on
        done = subprocess.run(
            command, user=self._user, cwd="/", capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr}")

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it is stopped."""
        return self._server.pid if self._server else None

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of one of the server's databases."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str) -> str:
        """Return the same through the Unix socket."""
        host = str(self.directory).replace("/", "%2F")
        return f"postgresql://{USER}@{host}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [str(self._programs / "postgres"), "-D", str(self._data)]
        settings = {
            **self._settings,
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
        }
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                dies_with_us(command, signal.SIGQUIT),
                user=self._user,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C in the terminal is for pytest, which then stops the server itself.
                start_new_session=True,
            )
        wait_until(self._answers, timeout=STARTING, message="PostgreSQL starts")

    def _answers(self) -> bool:
        if self._server is None or self._server.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended: {self._log.read_text()[-2000:]}")
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, *, immediate: bool = False) -> None:
        """Stop the server: connections are closed, or with `immediate` it just drops dead."""
        if self._server is None:
            return
        self.thaw()
        self._server.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        try:
            self._server.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None

    def _processes(self) -> list[psutil.Process]:
        if self._server is None or self._server.poll() is not None:
            return []
        server = psutil.Process(self._server.pid)
        return [server, *server.children(recursive=True)]

    def freeze(self) -> None:
        """Stop every process of the server where it stands: it holds its sockets, says nothing."""
        if self._server:
            # The one that starts the others first, so that none is missed.
            self._server.send_signal(signal.SIGSTOP)
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        """Let a frozen server go on."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Return a connection of the tests' own, in autocommit."""
        return psycopg.connect(self.socket_url(database), autocommit=True, connect_timeout=5)

    def create_database(self, name: str, template: str = "template1") -> None:
        """Create a database, a copy of `template`."""
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with self.connect() as connection:
            connection.execute(command.format(sql.Identifier(name), sql.Identifier(template)))

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        command = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self.connect() as connection:
            connection.execute(command.format(sql.Identifier(name)))

    def remove(self) -> None:
        """Stop the server and delete all of it."""
        self.stop(immediate=True)
        shutil.rmtree(self.directory, ignore_errors=True)
