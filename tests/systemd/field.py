"""The nodes around a machine: they send numbered events, and their books are balanced."""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from tests.chaos.books import Books, Counts, Tally
from tests.chaos.connection import LAST_INSTANTS, Connection
from tests.chaos.detector import Detector
from tests.chaos.load import Load
from tests.chaos.pace import Pace
from tests.support.packets import Sighting
from tests.support.waiting import wait_until
from tests.systemd.machine import Machine
from tests.systemd.service import Service

PACES = (Pace.STEADY, Pace.BURSTS, Pace.SLOW, Pace.TORN, Pace.STEADY)
HOST, FIRST_PORT = "127.0.0.1", 9001
CALM, KILLED = 0, 1  # labels

# The nodes' rows, in the order of their ports: their primary keys are 1, 2, …
ADD_NODES = f"""
from birdwatcher.nodes.models import Node
for number in range({len(PACES)}):
    Node.objects.create(name=f"Moor {{number}}", ip_address="{HOST}", port={FIRST_PORT} + number)
"""

RECOVERING = 60.0  # seconds in which all is well again after anything


class Field:
    """Nodes that send all the time; everything of theirs that is received has to be stored."""

    def __init__(self, machine: Machine, service: Service) -> None:
        self._service = service
        self.detectors = [
            Detector(
                number,
                HOST,
                # The second one is an address nobody knows.
                (FIRST_PORT + number, FIRST_PORT + 100 + number),
                pace,
                seed=1,
                new_socket=machine.make_socket,
            )
            for number, pace in enumerate(PACES)
        ]
        for row, detector in enumerate(self.detectors, 1):
            detector.row = row
        self.load = Load(self.detectors, machine.leader)

    def connections(self) -> list[Connection]:
        """Return the connections that are up; the same ones later mean: nobody was disconnected."""
        return self.load.call(lambda: [it for node in self.detectors for it in node.open()])

    def sent(self) -> int:
        """Return how many packets have been sent."""
        return self.load.call(
            lambda: sum(len(it) for node in self.detectors for it in node.connections)
        )

    def wait_until_connected(self) -> None:
        """Wait until the daemon is connected to every node."""
        wait_until(
            lambda: self.load.call(lambda: all(node.open() for node in self.detectors)),
            timeout=RECOVERING,
            message=lambda: f"all are connected\n{self._service.status()}\n{self._service.log()}",
        )

    def wait_for_traffic(self, packets: int = 500) -> None:
        """Let the nodes send so many packets more."""
        until = self.sent() + packets
        wait_until(lambda: self.sent() >= until, timeout=RECOVERING, message="the nodes talk")

    def move_to(self, machine: Machine, service: Service) -> None:
        """Be the nodes of another machine, which has the data of the one before."""
        self._service = service

        def move() -> None:
            self.load.reader = machine.leader
            for detector in self.detectors:
                detector.close()
                detector.new_socket = machine.make_socket
                detector.listen()

        self.load.call(move)

    @contextlib.contextmanager
    def doomed(self, detector: Detector) -> Iterator[None]:
        """Within, the process of this node is killed: its last instants may be lost."""
        self.load.call(lambda: detector.doom(KILLED, LAST_INSTANTS))
        yield
        self.load.call(detector.spare)

    def balance(self) -> None:
        """Let everything arrive, then compare what was received with the database.

        Raises AssertionError with what is lost, doubled or altered.
        """
        self.wait_until_connected()
        self.load.hush()
        self.load.wait_until_all_is_read(RECOVERING)
        due = sum(it.due() for node in self.detectors for it in node.connections)
        script = (Path(__file__).parent / "ledger.py").read_text()
        found = json.loads(self._service.python(f"DUE = {due}\n{script}"))
        books = Books([Tally("calm"), Tally("killed")])
        counts = {node: Counts(*numbers) for node, *numbers in found["counts"]}
        for detector in self.detectors:
            rows = [
                Sighting(datetime.fromisoformat(at), *names)
                for node, at, *names in found["birds"]
                if node == detector.row
            ]
            books.balance(detector, rows, counts[detector.row])
        assert due > 0
        assert not books.complaints, "\n".join([*books.complaints, books.table()])
        self.load.speak()
