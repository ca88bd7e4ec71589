"""The outbox, with its spool, against what it promises.

The model is one long list of frames: all that were ever appended, by every process that the node
had. Whatever happens, what is sent follows that list, and nothing of it is forgotten that was not
acknowledged, but for what was in the memory of a process that was killed.
"""

import random
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool
from nodeproc.delivery.spoolfile import spool_path
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import Frame, FrameReader, Kind
from nodeproc.wire.messages import Batch
from nodeproc.wire.subjects import Origin, Subject
from tests.property.effort import OF_A_MODEL

NODE = Origin(Subject.NODES, 7)


class OutboxModel(RuleBasedStateMachine):
    """Every call of the outbox, in any order; its process ends in any way and begins again."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(prefix="bw-outbox-")
        self.path = Path(self.directory.name)
        self.appended = 0  # frames, of all processes; each carries its number
        self.lost: set[int] = set()
        self.acknowledged: set[int] = set()
        self.taken: dict[int, Frame] = {}  # by number, every frame that was ever sent
        self.begin()

    def begin(self) -> None:
        """A new process of the node."""
        self.spool = Spool(self.path, NODE, NodeLimits())
        self.spool.take_up()
        self.outbox = Outbox(NODE, self.spool)
        self.in_memory: list[int] = []  # the numbers of frames, as far as memory is all they have
        self.begin_again()

    def begin_again(self) -> None:
        """Nothing has been sent to this writer."""
        self.reached = -1  # the number sent last
        self.resumed: int | None = None  # the stream announced last

    def retained(self) -> set[int]:
        """Return the numbers of what may not be forgotten."""
        return set(range(self.appended)) - self.lost - self.acknowledged

    @rule(count=st.integers(1, 5))
    def append(self, count: int) -> None:
        for _ in range(count):
            self.outbox.append(Kind.BATCH, Batch(float(self.appended), [], [], 0))
            self.in_memory.append(self.appended)
            self.appended += 1

    @rule(count=st.integers(1, 8))
    def take(self, count: int) -> None:
        for _ in range(count):
            if not self.take_one():
                break

    def take_one(self) -> bool:
        """Take what is to be sent next: nothing, or what follows in the list of all frames."""
        following = [number for number in self.retained() if number > self.reached]
        raw = self.outbox.take()
        if raw is None:
            assert not following
            return False
        *resumes, frame = FrameReader().feed(raw)
        number = int(frame.value().received_at)
        assert self.reached < number <= min(following, default=number), "left out, or out of order"
        assert number not in self.lost
        if frame.stream != self.resumed:
            expected = (Kind.RESUME, *NODE, frame.stream, frame.sequence)
            assert [resume[:5] for resume in resumes] == [expected]
        else:
            assert not resumes
        assert self.taken.setdefault(number, frame) == frame, "another frame than the first time"
        self.reached, self.resumed = number, frame.stream
        return True

    @rule(data=st.data(), order=st.randoms(use_true_random=False))
    def acknowledge(self, data: st.DataObject, order: random.Random) -> None:
        """The database holds everything up to a frame that was sent, lately or long ago."""
        if not self.taken:
            return
        upto = data.draw(st.sampled_from(sorted(self.taken)))
        held = {number: frame for number, frame in self.taken.items() if number <= upto}
        ends = list({frame.stream: frame.sequence for _, frame in sorted(held.items())}.items())
        order.shuffle(ends)
        for stream, sequence in ends:
            self.outbox.acknowledge(stream, sequence)
        self.acknowledged |= held.keys()
        self.in_memory = [number for number in self.in_memory if number not in held]

    @rule(stream=st.integers(0, 2**62), sequence=st.integers(0, 100))
    def acknowledge_a_stream_of_nobody(self, stream: int, sequence: int) -> None:
        self.outbox.acknowledge(stream, sequence)

    @rule()
    def rewind(self) -> None:
        self.outbox.rewind(0)
        self.begin_again()

    @rule(force=st.booleans())
    def spool_what_is_old(self, force: bool) -> None:
        self.outbox.spool(force=force)
        self.in_memory = []
        assert self.outbox.size == len(self.outbox) == 0

    @rule()
    def process_ends_in_order(self) -> None:
        self.outbox.spool(force=True)
        self.spool._close()
        self.begin()

    @rule(torn=st.binary(max_size=60))
    def process_is_killed(self, torn: bytes) -> None:
        """What it had in memory is gone; it may have been about to spool some of it."""
        self.spool._close()
        path = spool_path(self.path, NODE)
        if path.exists():
            with path.open("ab") as file:
                file.write(torn)
        self.lost |= set(self.in_memory)
        self.begin()

    @invariant()
    def says_whether_anything_is_retained(self) -> None:
        if self.retained():
            assert self.outbox
        assert bool(self.outbox.size) == bool(len(self.outbox))

    def teardown(self) -> None:
        try:
            self.all_of_it_is_there_and_can_be_forgotten()
        finally:
            self.spool._close()
            self.directory.cleanup()

    def all_of_it_is_there_and_can_be_forgotten(self) -> None:
        self.rewind()
        self.take(self.appended + 1)
        for frame in self.taken.values():
            self.outbox.acknowledge(frame.stream, frame.sequence)
        assert not self.outbox
        assert not spool_path(self.path, NODE).exists()


TestOutbox = OutboxModel.TestCase
TestOutbox.settings = OF_A_MODEL
