"""Everything the faults act on: the running daemon, its database, the nodes that talk to it."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator

import psutil
from django.db import connection

from birdwatcher.nodes.models import Node
from tests.chaos.connection import LAST_INSTANTS
from tests.chaos.detector import Detector
from tests.chaos.load import Load
from tests.chaos.means import Means
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.processes import is_alive
from tests.support.waiting import wait_until

BURST = 100  # packets
RECOVERING = 60.0  # seconds in which all is well again after any fault


class Site:
    """The daemon under load."""

    def __init__(
        self,
        database: Database,
        load: Load,
        means: Means,
        start_daemon: Callable[[Database], Daemon],
        seed: int,
    ) -> None:
        """`start_daemon` starts it, and does not wait. Nothing is started yet."""
        self.database = database
        self.load = load
        self.means = means
        self.random = random.Random(seed)  # noqa: S311 nothing secret
        self.label = 0  # of the fault under way
        self.daemons: list[Daemon] = []
        self._start_daemon = start_daemon

    @property
    def daemon(self) -> Daemon:
        """The daemon that runs, or ran last."""
        return self.daemons[-1]

    # The daemon's life

    def start(self, *, up: bool = True) -> None:
        """Start the daemon, and wait until it is up."""
        self.daemons.append(self._start_daemon(self.database))
        if up:
            self.daemon.wait_until_up()

    def restart(self) -> None:
        """Stop the daemon in order, and start it again."""
        code = self.daemon.stop()
        if code != 0:
            raise AssertionError(f"stopped with exit code {code}, not 0:\n{self.daemon.text()}")
        self.start()

    def kill_supervisor(self, *, terminate_others: bool = False) -> None:
        """Kill it, wait until what it leaves behind has ended, and start the daemon again.

        With `terminate_others`, these get a SIGTERM, as from a service manager.
        """
        children = self.daemon.children()
        self.daemon.send(signal.SIGKILL)
        if terminate_others:
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.terminate()
        self.daemon.wait()
        self.bury(children)
        self.start()

    def bury(self, children: list[psutil.Process]) -> None:
        """Wait until these children of a killed supervisor have ended."""
        wait_until(
            lambda: not any(is_alive(child.pid) for child in children),
            timeout=RECOVERING,
            message=lambda: f"the children of a killed supervisor end: {children}",
        )
        # They have become children of this process.
        for child in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)

    def kill_writer(self) -> None:
        """Kill the writer, if there is one at this moment."""
        if pid := self.daemon.writer():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait_for_writer(self) -> None:
        """Wait until there is a writer."""
        wait_until(self.daemon.writer, timeout=RECOVERING, message="there is a writer")

    def process_of(self, detector: Detector) -> int | None:
        """Return the id of the daemon's process for this node, if it has one now."""
        process = self.daemon.nodes().get(detector.row)
        return process.pid if process else None

    @contextlib.contextmanager
    def doomed(self, *detectors: Detector) -> Iterator[None]:
        """Within, the processes of these nodes are killed."""
        for detector in detectors:
            self.load.call(lambda: detector.doom(self.label, LAST_INSTANTS))  # noqa: B023
        yield
        for detector in detectors:
            self.load.call(detector.spare)

    # Nodes

    def any_detectors(self, most: int) -> list[Detector]:
        """Return some nodes, at least one."""
        count = self.random.randint(1, most)
        return self.random.sample(list(self.load.detectors), count)

    def add_nodes(self) -> None:
        """Put the load's nodes into the node table."""
        for detector in self.load.detectors:
            row = Node.objects.create(
                name=f"Würgerhöhe {detector.number}",
                ip_address=detector.host,
                port=detector.ports[0],
            )
            detector.row = row.pk
        connection.close()

    def edit(self, detector: Detector, **fields: object) -> None:
        """Save new values of some fields of a node."""
        row = Node.objects.get(pk=detector.row)
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()
        # The next fault may stop the server, and that must not be this process's affair.
        connection.close()

    # Time

    def rush(self) -> None:
        """Have all nodes send a burst, and wait until it is somewhere on its way."""
        for detector in self.load.detectors:
            self.load.call(lambda: detector.burst(BURST))  # noqa: B023
        self.pause(0.0, 0.2)

    def pause(self, least: float, most: float) -> None:
        """Let the load run for a while."""
        time.sleep(self.random.uniform(least, most))

    @contextlib.contextmanager
    def frozen(self, pid: int | None) -> Iterator[None]:
        """Hold a process where it stands, if it is there at all."""
        try:
            process = psutil.Process(pid) if pid else None
            if process:
                process.suspend()
        except psutil.NoSuchProcess:
            process = None
        try:
            yield
        finally:
            if process:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def wait_until_whole(self) -> None:
        """Wait until the daemon has a writer and a connection to every node."""
        wait_until(
            lambda: self.daemon.writer() and self.load.call(self._all_connected),
            timeout=RECOVERING,
            message=lambda: f"all is well again; {self.daemon.titles()}",
        )

    def _all_connected(self) -> bool:
        return all(detector.open() for detector in self.load.detectors)
