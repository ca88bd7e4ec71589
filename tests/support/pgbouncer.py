"""PgBouncer, a pooler between programs and PostgreSQL, for one test."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.support.postgres import USER, PostgresCluster
from tests.support.processes import dies_with_us
from tests.support.waiting import STARTING, STOPPING, wait_until

CONFIGURATION = """\
[databases]
* = host=127.0.0.1 port={server} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = extra_float_digits
"""


def find_program() -> str | None:
    """Return the path of the program, None where it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class PgBouncer:
    """A pooler before all databases of a server, in one of its modes; it runs from the start."""

    def __init__(self, program: str, cluster: PostgresCluster, port: int, mode: str) -> None:
        self.port = port
        self._directory = Path(tempfile.mkdtemp(prefix="bw-pool-", dir="/tmp"))
        file = self._directory / "pgbouncer.ini"
        file.write_text(CONFIGURATION.format(server=cluster.port, user=USER, port=port, mode=mode))
        self._directory.chmod(0o755)
        self._program = subprocess.Popen(
            dies_with_us([program, "--quiet", str(file)]),
            user="nobody" if os.geteuid() == 0 else None,  # it refuses to run as root
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._answers, timeout=STARTING, message="PgBouncer starts")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._program.pid

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of a database, through the pooler."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Stop it at once."""
        self._program.kill()
        self._program.wait(STOPPING)
        shutil.rmtree(self._directory, ignore_errors=True)
