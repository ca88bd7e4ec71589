"""The writer's rule for what to commit, against the promise: every frame takes effect once.

The model is the world around the writer: streams of numbered frames, delivered in any order, twice,
with gaps, and commits that fail. At the end everything is sent again in order, as every node
process does until it is acknowledged.
"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from birdwatcher.writer.birds.gathered import GatheredBirds
from birdwatcher.writer.birds.intake import BirdIntake
from birdwatcher.writer.gather import gather
from nodeproc.states import NodeState
from nodeproc.wire.frames import Frame, FrameReader, Kind, pack
from nodeproc.wire.messages import Batch, Status
from nodeproc.wire.reasons import Reason
from nodeproc.wire.subjects import Origin, Stream, Subject
from tests.property.effort import OF_A_MODEL

# Subject, node, stream: one node has two, two share a number.
STREAMS: tuple[Stream, ...] = ((1, 1, 11), (1, 1, 12), (1, 2, 11), (1, 3, 13))
STRANGER: Stream = (1, 2, 99)  # a stream that was never taken up
INTAKES = {Subject.NODES: BirdIntake()}
PER_STREAM = 12
CLOSING = 2  # times that everything is sent again at the end

streams = st.sampled_from(STREAMS)
sequences = st.integers(1, PER_STREAM)


def frame_of(stream: Stream, sequence: int) -> Frame:
    """Return the frame: most are batches of a few events, some are statuses, some have neither."""
    if sequence % 3 == 0:
        value = Status(NodeState.CONNECTED.value, float(sequence), 1, False, "", None)
        return _frame(Kind.STATUS, value, stream, sequence)
    rejected = sequence % 4
    rejections = [(0.0, Reason.NOT_JSON.value, 1, b"x")] * rejected
    batch = Batch(float(sequence), events_of(stream, sequence), rejections, rejected)
    return _frame(Kind.BATCH, batch, stream, sequence)


def _frame(kind: Kind, value: object, stream: Stream, sequence: int) -> Frame:
    raw = pack(kind, value, origin=Origin(*stream[:2]), stream=stream[2], sequence=sequence)
    (frame,) = FrameReader().feed(raw)
    return frame


def events_of(stream: Stream, sequence: int) -> list[tuple[int, str, str]]:
    """Return the events of a batch; each event of all is another."""
    if sequence % 3 == 0:
        return []
    return [(sequence, f"{stream}", f"{number}") for number in range(sequence % 5)]


class GatherModel(RuleBasedStateMachine):
    """Frames arrive, are committed, and some commits fail."""

    def __init__(self) -> None:
        super().__init__()
        self.expected = dict.fromkeys(STREAMS, 1)  # what the database knows
        self.pending: list[Frame] = []
        self.committed: list[GatheredBirds] = []

    @rule(stream=streams, sequence=sequences)
    def one_frame(self, stream: Stream, sequence: int) -> None:
        self.pending.append(frame_of(stream, sequence))

    @rule(stream=streams, first=sequences, count=st.integers(1, 6))
    def several_frames(self, stream: Stream, first: int, count: int) -> None:
        for sequence in range(first, min(first + count, PER_STREAM + 1)):
            self.pending.append(frame_of(stream, sequence))

    @rule(stream=streams)
    def what_is_not_committed_is_sent_again(self, stream: Stream) -> None:
        self.pending.append(_frame(Kind.RESUME, 0, stream, self.expected[stream]))
        self.several_frames(stream, self.expected[stream], PER_STREAM)

    @rule(sequence=sequences)
    def a_stream_nobody_took_up(self, sequence: int) -> None:
        self.pending.append(frame_of(STRANGER, sequence))

    @rule(order=st.randoms(use_true_random=False))
    def mixed_up(self, order: object) -> None:
        order.shuffle(self.pending)  # type: ignore[attr-defined]

    @rule()
    def commit(self) -> None:
        work = gather(self.pending, self.expected, INTAKES)
        self.expected |= work.next
        self.committed += work.by_subject.values()
        self.pending = []

    @rule(keep=st.booleans())
    def commit_fails(self, keep: bool) -> None:
        gather(self.pending, self.expected, INTAKES)
        self.pending = self.pending if keep else []

    @invariant()
    def every_frame_so_far_has_taken_effect_once(self) -> None:
        for stream in STREAMS:
            done = range(1, self.expected[stream])
            events = [event for number in done for event in events_of(stream, number)]
            found = [
                event
                for birds in self.committed
                for node, event, *_ in birds.events
                if (node, event[1]) == (stream[1], f"{stream}")
            ]
            assert found == events
        assert STRANGER not in self.expected

    def teardown(self) -> None:
        for _ in range(CLOSING):
            for stream in STREAMS:
                self.what_is_not_committed_is_sent_again(stream)
            self.commit()
        self.every_frame_so_far_has_taken_effect_once()
        assert self.expected == dict.fromkeys(STREAMS, PER_STREAM + 1)
        self.check_reports()

    def check_reports(self) -> None:
        """The counts and statuses of the nodes are those of all frames, each taken once."""
        for node in {node for _, node, _ in STREAMS}:
            reports = [birds.by_node[node] for birds in self.committed if node in birds.by_node]
            mine = [stream for stream in STREAMS if stream[1] == node]
            numbers = [number for _ in mine for number in range(1, PER_STREAM + 1)]
            events = sum(len(events_of(it, n)) for it in mine for n in range(1, PER_STREAM + 1))
            assert sum(report.events for report in reports) == events
            rejected = sum(number % 4 for number in numbers if number % 3)
            assert sum(report.rejected for report in reports) == rejected
            statuses = [status.at for report in reports for status in report.statuses]
            assert sorted(statuses) == sorted(float(n) for n in numbers if n % 3 == 0)


TestGather = GatherModel.TestCase
TestGather.settings = OF_A_MODEL
