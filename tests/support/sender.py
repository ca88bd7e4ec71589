"""The sending side of the writer's pipe, without the process."""

import datetime
from pathlib import Path

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import Node
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool
from nodeproc.limits import NodeLimits
from nodeproc.sources.tcp.receiver import KEPT_REJECTIONS
from nodeproc.states import NodeState
from nodeproc.wire.frames import Frame, FrameReader, Kind
from nodeproc.wire.messages import Batch, Event, Status
from nodeproc.wire.reasons import Reason
from nodeproc.wire.subjects import Origin, Subject

AT = 1_777_625_160.25  # 2026-05-01T08:46:00.25Z
MOMENT = datetime.datetime.fromtimestamp(AT, datetime.UTC)


class Sender:
    """A node process's side of the pipe, without the process."""

    def __init__(self, name: str = "Dartmoor") -> None:
        self.node = Node.objects.create(
            name=name, ip_address="10.0.3.2", port=Node.objects.count() + 1
        )
        self.origin = Origin(Subject.NODES, self.node.pk)
        spool = Spool(Path("no such directory"), self.origin, NodeLimits())  # never used
        self.outbox = Outbox(self.origin, spool)
        self._birds = 0

    def batch(self, count: int = 1, *, species: str = "Robin", rejected: int = 0) -> None:
        """Hand up a batch of so many birds, named by their number."""
        first, self._birds = self._birds, self._birds + count
        self.send(
            [(number, species, f"#{number}") for number in range(first, self._birds)], rejected
        )

    def send(self, events: list[Event], rejected: int = 0) -> None:
        """Hand up a batch of these events, received at `AT`, and so many rejected packets."""
        rejections = [(AT, Reason.NOT_JSON.value, 7, b"garbage")] * min(rejected, KEPT_REJECTIONS)
        self.outbox.append(Kind.BATCH, Batch(AT, events, rejections, rejected))

    def status(self, state: NodeState, *, again: bool = False, error: str = "") -> None:
        """Hand up a status."""
        self.outbox.append(Kind.STATUS, Status(state.value, AT, 4711, again, error, None))

    def resend(self) -> list[Frame]:
        """Return everything retained, as a new writer gets it."""
        self.outbox.rewind(0)
        return self.rest()

    def rest(self) -> list[Frame]:
        """Return what was not sent yet."""
        frames = []
        while raw := self.outbox.take():
            frames += read(raw)
        return frames

    def names(self) -> list[str]:
        """Return the names of the birds in the database, in the order of their commit."""
        rows = Bird.objects.filter(node=self.node).order_by("pk")
        return list(rows.values_list("name", flat=True))


def read(raw: bytes) -> list[Frame]:
    """Return the frames that these bytes are."""
    return list(FrameReader().feed(raw))
