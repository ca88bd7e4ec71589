"""Exactly once, from the outbox of a node to the commit: every link real but pipe and database.

The pipe is a list, the database another; each can fail at every moment. What must hold: an event is
committed once, in order; and all of them are, but for those that were in the memory of a node
process when that was killed.
"""

import contextlib
import tempfile
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

from django.db import OperationalError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from birdwatcher.writer import checkpoints, ledger
from birdwatcher.writer.gather import Work
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool
from nodeproc.delivery.spoolfile import CRC, SpoolReader, spool_path
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import Frame, FrameReader, Kind
from nodeproc.wire.messages import Ack, Batch
from nodeproc.wire.subjects import Origin, Stream, Subject
from tests.property.effort import OF_A_MODEL

NODE = Origin(Subject.NODES, 7)


class Store:
    """The database: what is committed stays."""

    def __init__(self) -> None:
        self.events: list[int] = []
        self.checkpoints: dict[Stream, int] = {}
        self.fails_before = self.fails_after = False

    def checkpoints_of(self, streams: Iterable[Stream]) -> dict[Stream, int]:
        """Stand in for the query of that name."""
        return {it: self.checkpoints[it] for it in streams if it in self.checkpoints}

    def commit(self, work: Work) -> None:
        """Commit; or fail, before or after it is done: to whoever asked, that looks the same."""
        if self.fails_before:
            raise OperationalError("the connection was lost")
        for gathered in work.by_subject.values():
            self.events += [event[0] for _, event, *_ in gathered.events]
        self.checkpoints |= {stream: following - 1 for stream, following in work.next.items()}
        if self.fails_after:
            raise OperationalError("the connection was lost")


class LedgerOnStore(ledger.Ledger):
    """The ledger, with the store for its database."""

    def __init__(self, store: Store, generation: int) -> None:
        super().__init__(generation)
        self.store = store

    def _write(self, work: Work, *, sift: bool) -> None:
        self.store.commit(work)


class Delivery(RuleBasedStateMachine):
    """One node's process, the pipe, the writer, and everything that befalls them."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(prefix="bw-delivery-")
        self.store = Store()
        # The store has no table of nodes either, which tells why a checkpoint is behind.
        self.patch = mock.patch.multiple(
            checkpoints, _read=self.store.checkpoints_of, _unexplained=lambda _: []
        )
        self.patch.start()
        self.received = 0  # events; each carries its number
        self.lost: set[int] = set()
        self.pipe: list[Frame] = []
        self.acknowledgements: list[Ack] = []
        self.generation = 0
        self.new_writer()
        self.new_node_process()

    def new_node_process(self) -> None:
        self.spool = Spool(Path(self.directory.name), NODE, NodeLimits())
        self.spool.take_up()
        self.outbox = Outbox(NODE, self.spool, self.generation)
        self.in_memory: set[int] = set()
        self.resend_is_under_way = False

    def new_writer(self) -> None:
        self.generation += 1
        self.ledger = LedgerOnStore(self.store, self.generation)
        self.pending: list[Frame] = []

    # The node's process

    @rule(count=st.integers(1, 3), repeat=st.integers(1, 4))
    def receive(self, count: int, repeat: int) -> None:
        for _ in range(repeat):
            numbers = range(self.received, self.received + count)
            events = [(number, "Robin", "Bob") for number in numbers]
            self.outbox.append(Kind.BATCH, Batch(0.0, events, [], 0))
            self.received += count
            self.in_memory |= set(numbers)

    @rule(count=st.integers(1, 20))
    def send(self, count: int) -> None:
        for _ in range(count):
            if raw := self.outbox.take():
                self.pipe += FrameReader().feed(raw)

    @rule()
    def spool_what_is_old(self) -> None:
        self.outbox.spool()
        self.in_memory = set()

    @rule()
    def node_process_ends_in_order(self) -> None:
        self.outbox.spool(force=True)
        self.spool._close()
        self.new_node_process()

    @rule()
    def node_process_is_killed(self) -> None:
        self.spool._close()
        self.lost |= self.in_memory - set(self.store.events)
        self.new_node_process()

    @rule(data=st.data())
    def spool_is_damaged_between_two_processes(self, data: st.DataObject) -> None:
        """One byte is flipped: the frame that it is in is lost, and nothing else."""
        self.outbox.spool(force=True)
        self.spool._close()
        path = spool_path(Path(self.directory.name), NODE)
        if path.exists():
            with path.open("rb") as file:
                records = list(SpoolReader(file.fileno(), NODE).all())
            frame, end = data.draw(st.sampled_from(records))
            at = data.draw(st.integers(end - len(frame.raw) - CRC.size, end - 1))
            content = bytearray(path.read_bytes())
            content[at] ^= 1
            path.write_bytes(content)
            self.lost |= {event[0] for event in frame.value().events} - set(self.store.events)
        self.new_node_process()

    # The writer

    @rule(count=st.integers(1, 20))
    def commit(self, count: int) -> None:
        self.pending += self.pipe[:count]
        self.pipe = self.pipe[count:]
        if self.pending:
            self.acknowledgements += self.ledger.commit(self.pending)
            self.pending = []

    @rule(count=st.integers(1, 20), done=st.booleans())
    def commit_fails(self, count: int, done: bool) -> None:
        """The database goes away at the COMMIT; with `done` it had carried it out."""
        self.store.fails_before, self.store.fails_after = not done, done
        with contextlib.suppress(OperationalError):
            self.commit(count)
        self.store.fails_before = self.store.fails_after = False
        self.ledger.doubt()

    @rule(count=st.integers(1, 5))
    def acknowledgements_arrive(self, count: int) -> None:
        self.resend_arrives()
        for *_, stream, sequence in self.acknowledgements[:count]:
            self.outbox.acknowledge(stream, sequence)
        self.acknowledgements = self.acknowledgements[count:]

    @rule(lost=st.integers(0, 20), with_acknowledgements=st.booleans())
    def writer_is_replaced(self, lost: int, with_acknowledgements: bool) -> None:
        """What it was sent is gone; what it had said may still arrive. The next one gets what the
        node's process goes on sending, until that hears that it has to begin again."""
        if with_acknowledgements:
            self.acknowledgements_arrive(len(self.acknowledgements))
        self.acknowledgements = []
        self.pipe = self.pipe[lost:]
        self.new_writer()
        self.resend_is_under_way = True

    @rule()
    def resend_arrives(self) -> None:
        """Before any acknowledgement of the new writer, which comes down the same pipe."""
        if self.resend_is_under_way:
            self.resend_is_under_way = False
            self.outbox.rewind(self.generation)

    # What must hold

    @invariant()
    def every_event_is_committed_once_and_in_order(self) -> None:
        assert self.store.events == sorted(set(self.store.events))

    def teardown(self) -> None:
        try:
            self.everything_arrives_when_everything_works_again()
        finally:
            self.patch.stop()
            self.spool._close()
            self.directory.cleanup()

    def everything_arrives_when_everything_works_again(self) -> None:
        self.writer_is_replaced(lost=len(self.pipe), with_acknowledgements=True)
        self.resend_arrives()
        for _ in range(2):
            self.send(2 * self.received + 10)
            self.commit(len(self.pipe))
            self.acknowledgements_arrive(len(self.acknowledgements))
        assert not self.outbox
        self.every_event_is_committed_once_and_in_order()
        missing = set(range(self.received)) - set(self.store.events)
        assert missing <= self.lost


TestDelivery = Delivery.TestCase
TestDelivery.settings = OF_A_MODEL


def test_streams_that_wait_behind_one_another_in_the_spool_outlive_the_writer() -> None:
    """Found by the model above. What the next writer gets first are remains of a replay: the end of
    one stream, which it cannot take up, and all of another, which is not all there is."""
    world = Delivery()
    try:
        for _ in range(2):
            world.receive(count=1, repeat=3)
            world.node_process_ends_in_order()
        world.send(count=6)
        world.writer_is_replaced(lost=2, with_acknowledgements=False)
        world.commit(count=len(world.pipe))
    finally:
        world.teardown()
    assert world.store.events == list(range(6))
