"""One soak: storm and calm in turn, a census in each calm."""

import dataclasses
import time
from collections.abc import Callable

from birdwatcher.nodes.models import RejectedPacket, StatusChange
from tests.soak import verdict
from tests.soak.census import Census, take
from tests.soak.field import Field
from tests.support.daemon import Daemon
from tests.support.databases import Database

CALMING = 60.0  # seconds for every node to be connected, killed and replaced ones included
SAMPLE = 5.0  # seconds between two counts in a storm
ENDED = ("its process ended unasked", "the writer is gone")  # as the supervisor's log puts it
KEPT = {model.__name__: model.KEPT for model in (StatusChange, RejectedPacket)}


@dataclasses.dataclass
class Soak:
    """A daemon and its nodes, and what was counted of them."""

    daemon: Daemon
    database: Database
    field: Field
    deeds: Callable[[], None] = lambda: None  # called often in a storm
    calm: list[Census] = dataclasses.field(default_factory=list)
    storm: list[Census] = dataclasses.field(default_factory=list)
    pids: set[int] = dataclasses.field(default_factory=set)  # of all node processes ever seen

    def blow_until(self, over: Callable[[], bool], *, timeout: float) -> None:
        """Storm until `over`, then calm, then count."""
        self.field.go_on()
        self.field.until(
            lambda: self._look_after() or over(), timeout=timeout, message=lambda: f"{self.field}"
        )
        self.count_in_calm()

    def _look_after(self) -> None:
        self.deeds()
        if not self.storm or time.monotonic() - self.storm[-1].at >= SAMPLE:
            self.storm.append(self._take())

    def count_in_calm(self) -> None:
        """Let every node connect and stay, and count."""
        self.field.calm_down()
        self.field.until(
            self._is_calm,
            timeout=CALMING,
            message=lambda: f"all is calm: {self.daemon.titles()}\n{self.daemon.text()[-3000:]}",
        )
        self.calm.append(self._take())

    def _is_calm(self) -> bool:
        """Whether every node is connected, and nothing is waiting to be committed."""
        nodes = len(self.field.nodes)
        return (
            self.daemon.counts() == (nodes, nodes)
            and all(flapper.connected() for flapper in self.field.flappers)
            and len(self.daemon.nodes()) == nodes
            and self.daemon.writer() is not None
            and not any(self.database.state_dir.rglob("*.spool"))
        )

    def _take(self) -> Census:
        self.pids |= {process.pid for process in self.daemon.nodes().values()}
        return take(
            self.daemon, self.database, cycles=self.field.cycles, nodes=len(self.field.nodes)
        )

    def complaints(self, *, killed: int = 0) -> list[str]:
        """Return what is not flat, or not in order, though so many processes were killed."""
        found = verdict.complaints(self.calm, kept=KEPT, begun=len(self.pids))
        text = self.daemon.text()
        ended = sum(map(text.count, ENDED))
        if ended > killed:
            found.append(f"{ended} processes ended unasked, and only {killed} were killed")
        if "Traceback" in text:
            found.append("a traceback in the log")
        return found
