"""What the ledger notes down beside the birds: history, rejected packets, doubtful times."""

import datetime

import msgspec
import pytest

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import NodeStatus, RejectedPacket, StatusChange
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.models import Checkpoint
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.reporting import StateReport
from nodeproc.sources.tcp.receiver import KEPT_REJECTIONS
from nodeproc.states import NodeState
from nodeproc.wire.frames import HEADER, Kind, pack
from nodeproc.wire.messages import RAW_BYTES, Ack, Batch, Status
from nodeproc.wire.reasons import Reason
from nodeproc.wire.subjects import Origin
from tests.support.sender import AT, MOMENT, Sender, read

pytestmark = pytest.mark.usefixtures("database")

CONNECTING, CONNECTED = NodeState.CONNECTING, NodeState.CONNECTED
BACKING_OFF = NodeState.BACKING_OFF


def history(sender: Sender) -> list[tuple[str, str]]:
    """Return the states and details noted of the sender's node, the oldest first."""
    rows = StatusChange.objects.filter(node=sender.node).order_by("pk")
    return list(rows.values_list("state", "detail"))


def test_what_is_new_of_a_state_becomes_history_in_its_order() -> None:
    sender, ledger = Sender(), Ledger()
    sender.status(NodeState.STARTING)  # although a node without a status is as good as starting
    sender.status(CONNECTING)
    sender.status(CONNECTED)
    sender.status(CONNECTED)  # as it is said now and then
    sender.status(CONNECTED, error="cannot spool")
    sender.status(CONNECTED)
    sender.status(BACKING_OFF, error="refused")
    ledger.commit(sender.resend())
    for error in ("refused", "unreachable"):
        sender.status(BACKING_OFF, error=error)
    Ledger().commit(sender.resend())  # another writer, which reads what the first one left
    assert history(sender) == [
        ("starting", ""),
        ("connecting", ""),
        ("connected", "cannot spool"),  # which passed, and is remembered
        ("backing off", "unreachable"),
    ]
    newest = StatusChange.objects.first()
    assert newest is not None
    assert (newest.detail, newest.pid, newest.at) == ("unreachable", 4711, MOMENT)
    status = NodeStatus.objects.get()
    assert (status.error, status.last_error) == ("unreachable", "unreachable")


def test_a_present_error_passes_and_the_last_one_stays() -> None:
    sender = Sender()
    sender.status(BACKING_OFF, error="x" * 300)
    sender.status(CONNECTED)
    Ledger().commit(sender.resend())
    status = NodeStatus.objects.get()
    assert (status.error, status.last_error) == ("", "x" * 255)
    assert history(sender) == [("backing off", "x" * 255), ("connected", "")]
    assert status.since == MOMENT


def test_a_dead_host_does_not_erase_its_history() -> None:
    """Two hours of tries every few seconds, of which each fails in another way than the last."""
    sender, ledger = Sender(), Ledger()
    sender.status(CONNECTED)
    sender.batch()
    ledger.commit(sender.resend())
    report = StateReport()
    report.enter(CONNECTING)
    for number in range(2 * StatusChange.KEPT):
        error = ("no answer within 2.5 s", "no route to host")[number % 2]
        for state, why in ((BACKING_OFF, error), (CONNECTING, "")):
            if report.enter(state, why) and (status := report.status()):
                sender.outbox.append(Kind.STATUS, status._replace(at=AT + number))
        if number % 100 == 99:
            ledger.commit(sender.rest())
    assert history(sender) == [("connected", ""), ("backing off", "no route to host")]
    newest = StatusChange.objects.first()
    assert newest is not None
    assert newest.at == NodeStatus.objects.get().since == MOMENT
    assert NodeStatus.objects.get().error == "no route to host"


def test_what_is_sent_again_is_noted_once() -> None:
    sender, ledger = Sender(), Ledger()
    sender.status(CONNECTED)
    sender.batch(2, rejected=3)
    for writer in (ledger, ledger, Ledger()):
        writer.commit(sender.resend())
    assert history(sender) == [("connected", "")]
    assert RejectedPacket.objects.count() == 3


def test_rejected_packets_are_counted_all_and_kept_in_part() -> None:
    sender = Sender()
    sender.batch(rejected=KEPT_REJECTIONS + 80)
    Ledger().commit(sender.resend())
    assert NodeStatus.objects.get().rejected == KEPT_REJECTIONS + 80
    assert RejectedPacket.objects.count() == KEPT_REJECTIONS
    packet = RejectedPacket.objects.first()
    assert packet is not None
    assert (packet.node, packet.at, packet.reason) == (sender.node, MOMENT, Reason.NOT_JSON)
    assert (packet.size, bytes(packet.raw)) == (7, b"garbage")


def test_every_byte_comes_through_and_no_more_than_are_kept() -> None:
    sender = Sender()
    raw = bytes(range(256)) + b"more"
    rejections = [(AT, reason.value, 2**32 - 1, raw) for reason in Reason]
    sender.outbox.append(Kind.BATCH, Batch(AT, [], rejections, len(rejections)))
    Ledger().commit(sender.resend())
    packets = RejectedPacket.objects.order_by("pk")
    assert [packet.reason for packet in packets] == list(Reason)
    assert {(bytes(p.raw), p.size) for p in packets} == {(raw[:RAW_BYTES], 2**32 - 1)}


def test_of_a_deleted_node_nothing_is_noted() -> None:
    sender, other, ledger = Sender(), Sender("Exmoor"), Ledger()
    for each in (sender, other):
        each.status(CONNECTED)
        each.batch(rejected=1)
    sender.node.delete()
    ledger.commit(sender.resend() + other.resend())
    assert set(StatusChange.objects.values_list("node", flat=True)) == {other.node.pk}
    assert set(RejectedPacket.objects.values_list("node", flat=True)) == {other.node.pk}


def test_an_event_the_database_refuses_is_kept_as_a_rejected_packet() -> None:
    sender = Sender()
    sender.send([(0, "Robin", "good"), (-(2**62), "Robin", "ba\0d"), (2**62, "Robin", "late")])
    Ledger().commit(sender.resend())
    assert sender.names() == ["good"]
    packets = RejectedPacket.objects.order_by("pk")
    assert [bytes(p.raw) for p in packets] == [
        rb"(-4611686018427387904, 'Robin', 'ba\x00d')",
        b"(4611686018427387904, 'Robin', 'late')",
    ]
    assert {(p.reason, p.at) for p in packets} == {(Reason.REFUSED_BY_DATABASE.value, MOMENT)}
    status = NodeStatus.objects.get()
    assert (status.events, status.rejected) == (1, 2)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_history_and_packets_the_database_refuses_are_isolated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """SQLite would take all of them: it checks no lengths."""
    sender, other = Sender(), Sender("Exmoor")
    good = (AT, Reason.NOT_JSON.value, 1, b"x")
    long, large = (AT, "x" * 65, 1, b"x"), (AT, Reason.NOT_JSON.value, 2**63, b"x")
    sender.outbox.append(Kind.BATCH, Batch(AT, [], [good, long, large, good], 4))
    sender.status(CONNECTED)
    sender.outbox.append(Kind.STATUS, Status("x" * 33, AT, 1, False, "", None))
    sender.status(BACKING_OFF, error="ref\0used")
    sender.batch(2)
    other.batch(1, rejected=1)
    acknowledged = Ledger().commit(sender.resend() + other.resend())
    assert {ack.sequence for ack in acknowledged} == {5, 1}
    assert RejectedPacket.objects.filter(node=sender.node).count() == 2
    assert history(sender) == [("connected", "")]
    assert (len(sender.names()), len(other.names())) == (2, 1)
    assert NodeStatus.objects.get(node=sender.node).rejected == 4
    assert "a rejected packet was refused by the database" in caplog.text
    assert "a status was refused by the database" in caplog.text


def frame_of(sender: Sender, kind: Kind, body: bytes, at: float = AT) -> bytes:
    """Return a frame of the sender's next number with this body, received at this time."""
    (frame,) = read(sender.outbox.take() or b"")
    return HEADER.pack(len(body), kind, *frame[1:5], at, 0) + body


@pytest.mark.parametrize("kind", [Kind.BATCH, Kind.STATUS, Kind.ACK])
@pytest.mark.parametrize(
    ("at", "value"),
    [
        (AT, b""),
        (AT, b"\xff\xff"),
        (AT, None),
        (AT, []),
        (AT, ("one", "too few")),
        (float("nan"), ([], [], 0)),
        (1e30, ([], [], 0)),
        (AT, ([], [("a", "b")], 1)),
        (AT, ([(0, "Robin", 7)], [], 0)),
        (AT, ("connected", float("inf"), 1, False, "", None)),
        (AT, ("connected", -1e18, 1, False, "", None)),
        (AT, ("connected", AT, 1, "yes", "", None)),
    ],
)
def test_a_frame_that_cannot_be_read_is_passed_over(
    kind: Kind, at: float, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    body = value if isinstance(value, bytes) else msgspec.msgpack.encode(value)
    sender, ledger = Sender(), Ledger()
    sender.batch(1)
    (
        resume,
        first,
    ) = sender.resend()
    sender.batch(1)
    (bad,) = read(frame_of(sender, kind, body, at))
    sender.batch(1)
    ((*_, last),) = ledger.commit([resume, first, bad, *sender.rest()])
    assert last == 3
    assert sender.names() == ["#0", "#2"]
    (packet,) = RejectedPacket.objects.all()
    assert (packet.reason, bytes(packet.raw)) == (Reason.REFUSED_BY_DATABASE, body[:RAW_BYTES])
    assert "could not be read" in caplog.text
    assert Checkpoint.objects.get().sequence == 3


def test_a_frame_of_an_unknown_subject_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    sender, unknown = Sender(), Origin(200, 7)
    batch, numbers = Batch(AT, [(0, "Robin", "x")], [], 0), DaemonNumbers()
    sender.batch(1)
    of_unknown = [
        pack(Kind.RESUME, 0, origin=unknown, stream=5, sequence=1),
        pack(Kind.BATCH, batch, origin=unknown, stream=5, sequence=1),
        pack(Kind.BATCH, batch, origin=unknown, stream=5, sequence=2),
    ]
    frames = [frame for raw in of_unknown for frame in read(raw)]
    acknowledged = Ledger(0, numbers).commit(frames + sender.resend())
    assert Ack(*unknown, 5, 2) in acknowledged  # it does not come again
    assert sender.names() == ["#0"]
    assert Checkpoint.objects.get().node == sender.node
    assert (numbers.committed, numbers.rejected) == (1, 2)
    assert "subject=200 id=7: what came from its process could not be read" in caplog.text
    assert Ledger().commit(frames) == [Ack(*unknown, 5, 2)]


def test_doubtful_times_are_kept_as_sent_and_flagged() -> None:
    sender = Sender()
    received = round(AT * 1_000_000)
    minutes, hours = 60_000_000, 3_600_000_000
    leads = {
        "now": 0,
        "fast": 5 * minutes,
        "too fast": 5 * minutes + 1,
        "late": -24 * hours,
        "too late": -24 * hours - 1,
        "1970": -received,
    }
    sender.send([(received + lead, "Robin", name) for name, lead in leads.items()])
    Ledger().commit(sender.resend())
    doubtful = Bird.objects.dated(doubtfully=True).order_by("pk")
    assert [bird.name for bird in doubtful] == ["too fast", "too late", "1970"]
    microsecond = datetime.timedelta(microseconds=1)
    for bird in Bird.objects.all():
        assert bird.timestamp == MOMENT + leads[bird.name] * microsecond
