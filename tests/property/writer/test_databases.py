"""What the validator lets through, both databases hold, and give back as it was."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdwatcher.birds.models import Bird
from birdwatcher.common import moments
from birdwatcher.nodes.models import Node, NodeStatus
from birdwatcher.writer.ledger import Ledger
from nodeproc.wire.frames import FrameReader, Kind, pack
from nodeproc.wire.messages import Batch, Event
from nodeproc.wire.subjects import Origin, Subject
from tests.fuzz import oracle
from tests.fuzz.generator import streams
from tests.property.strategies import EPOCH, valid

pytestmark = pytest.mark.usefixtures("database")

EXAMPLES = 10  # each of them a transaction of up to so many events:
MANY = 40
GENERATED = 20  # streams


class Sender:
    """A node that has one ledger and hands it everything in one stream."""

    def __init__(self) -> None:
        self.node = Node.objects.create(name="Dartmoor", ip_address="10.0.3.2", port=1)
        self.ledger = Ledger()
        self.sequence = 0

    def commit(self, events: list[Event]) -> None:
        """Commit the events as one batch."""
        self.sequence += 1
        where = {"origin": Origin(Subject.NODES, self.node.pk), "stream": 1}
        raw = pack(Kind.RESUME, 0, **where, sequence=self.sequence)
        batch = Batch(0.0, events, [], 0)
        raw += pack(Kind.BATCH, batch, **where, sequence=self.sequence)
        self.ledger.commit(list(FrameReader().feed(raw)))


def stored() -> list[Event]:
    """Return what the database holds, in the order of its commit."""
    rows = Bird.objects.order_by("pk").values_list("timestamp", "species__name", "name")
    microsecond = datetime.timedelta(microseconds=1)
    return [((at - EPOCH) // microsecond, species, name) for at, species, name in rows]


def test_any_valid_event_is_held_as_it_is() -> None:
    sender = Sender()

    @given(st.lists(valid(), max_size=MANY))
    @settings(max_examples=EXAMPLES)
    def check(sent: list) -> None:
        Bird.objects.all().delete()
        sender.commit([it.event for it in sent])
        assert stored() == [it.event for it in sent]

    check()
    assert NodeStatus.objects.get().rejected == 0


def test_what_comes_through_of_mutated_packets_is_held_too() -> None:
    sender = Sender()
    expected = []
    for _, reads in zip(range(GENERATED), streams(seed=3), strict=False):
        packets, _ = oracle.packets_in(b"".join(reads), oracle.LIMIT)
        events = [event for packet in packets if (event := oracle.judge(packet)[1])]
        sender.commit(events)
        expected += events
    assert expected
    assert stored() == expected
    assert NodeStatus.objects.get().rejected == 0


def test_the_range_of_times_is_one() -> None:
    assert (oracle.EARLIEST, oracle.LATEST) == (moments.EARLIEST, moments.LATEST)
    assert Bird._meta.get_field("name").max_length == oracle.MAX_TEXT
