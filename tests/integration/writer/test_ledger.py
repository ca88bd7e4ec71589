"""The ledger: every frame takes effect once, whatever comes twice, too early or too late."""

import datetime
import logging

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import NodeStatus
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.models import Checkpoint
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.states import NodeState
from nodeproc.wire.frames import HEADER, Kind, pack
from nodeproc.wire.messages import Batch, Status
from nodeproc.wire.reasons import Reason
from nodeproc.wire.subjects import Subject
from tests.support.databases import Database
from tests.support.sender import AT, MOMENT, Sender, read

pytestmark = pytest.mark.usefixtures("database")


def numbered(count: int) -> list[str]:
    return [f"#{number}" for number in range(count)]


def test_frames_become_birds_statuses_and_a_checkpoint_and_are_acknowledged() -> None:
    sender = Sender()
    sender.status(NodeState.CONNECTED)
    sender.batch(3, rejected=2)
    sender.status(NodeState.BACKING_OFF, error="connection refused")
    sender.status(NodeState.CONNECTED, again=True)
    frames = sender.resend()
    (acknowledgement,) = Ledger().commit(frames)
    assert acknowledgement == (*sender.origin, frames[0].stream, 4)
    assert sender.names() == numbered(3)
    status = NodeStatus.objects.get(node=sender.node)
    assert (status.state, status.pid, status.reconnects) == ("connected", 4711, 1)
    assert (status.events, status.rejected, status.last_event_at) == (3, 2, MOMENT)
    assert (status.since, status.last_error) == (MOMENT, "connection refused")
    assert Checkpoint.objects.get().sequence == 4


def test_what_is_sent_again_to_the_same_writer_is_committed_once() -> None:
    sender, ledger = Sender(), Ledger()
    for _ in range(5):
        sender.batch()
    frames = sender.resend()
    for _ in range(3):
        assert ledger.commit(frames) == [(*sender.origin, frames[0].stream, 5)]
    assert sender.names() == numbered(5)
    assert NodeStatus.objects.get().events == 5


def test_a_new_writer_drops_what_an_earlier_one_committed() -> None:
    sender = Sender()
    for _ in range(3):
        sender.batch()
    Ledger().commit(sender.resend())  # and it died before its acknowledgement arrived
    sender.batch()
    (acknowledgement,) = Ledger().commit(sender.resend())
    assert acknowledgement.sequence == 4
    assert sender.names() == numbered(4)


def test_what_comes_before_its_stream_is_resumed_is_left_for_later() -> None:
    """A new writer finds frames in the pipe that were meant for the one before."""
    sender = Sender()
    for _ in range(4):
        sender.batch()
    stale = sender.rest()[2:]
    ledger = Ledger()
    assert ledger.commit(stale) == []
    assert sender.names() == []
    assert ledger.commit(stale + sender.resend())[0].sequence == 4
    assert sender.names() == numbered(4)


def test_a_gap_is_never_jumped_over() -> None:
    sender, ledger = Sender(), Ledger()
    for _ in range(4):
        sender.batch()
    resume, first, second, *rest = sender.resend()
    assert ledger.commit([resume, first, *rest])[0].sequence == 1
    assert ledger.commit([second, *rest])[0].sequence == 4
    assert sender.names() == numbered(4)


@pytest.mark.parametrize("left", [0, 1, 3])
@pytest.mark.parametrize("same_writer", [False, True])
def test_a_database_that_went_back_is_named_and_its_streams_go_on(
    left: int, same_writer: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What was acknowledged is not coming again."""
    numbers = DaemonNumbers()
    sender, ledger = Sender(), Ledger(0, numbers)
    for _ in range(5):
        sender.batch()
    ((*_, stream, last),) = ledger.commit(sender.resend())
    sender.outbox.acknowledge(stream, last)
    Bird.objects.all().delete()  # a backup was restored
    Checkpoint.objects.update(sequence=left)
    if not left:
        Checkpoint.objects.all().delete()
    sender.batch()
    if same_writer:
        ledger.doubt()
        ledger.commit(sender.rest())
    else:
        Ledger(0, numbers).commit(sender.resend())
    assert sender.names() == ["#5"]
    assert Checkpoint.objects.get().sequence == 6
    assert f"node={sender.node.pk}: the database went back" in caplog.text
    assert f"had confirmed batch 5 of this stream, and has it up to {left}." in caplog.text
    assert numbers.missing == 5 - left
    Ledger(0, numbers).commit(sender.resend())
    assert numbers.missing == 5 - left  # the checkpoint stands where it should


def test_a_deleted_node_and_an_ancient_stream_are_no_database_that_went_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sender, other, ledger = Sender(), Sender("Exmoor"), Ledger()
    for each in (sender, other):
        each.batch()
        ((*_, stream, last),) = ledger.commit(each.resend())
        each.outbox.acknowledge(stream, last)
        each.batch()
    other.node.delete()
    Checkpoint.objects.all().delete()
    monkeypatch.setattr(Checkpoint, "KEPT_FOR", datetime.timedelta(seconds=-10))
    Ledger().commit(sender.resend() + other.resend())
    assert sender.names() == ["#0", "#1"]
    assert "went back" not in caplog.text


def test_after_a_commit_in_doubt_the_database_is_asked() -> None:
    sender, ledger = Sender(), Ledger()
    sender.batch()
    ledger.commit(sender.resend())
    sender.batch()
    frames = sender.rest()
    Ledger().commit(sender.resend())  # it was committed, and nobody heard of it
    ledger.doubt()
    assert ledger.commit(frames)[0].sequence == 2
    assert sender.names() == numbered(2)


def test_a_failed_transaction_leaves_nothing_and_can_be_tried_again() -> None:
    sender, ledger = Sender(), Ledger()
    sender.batch(3, species="Wren")
    frames = sender.resend()
    with transaction.atomic():
        ledger.commit(frames)
        transaction.set_rollback(True)
    assert sender.names() == []
    Ledger().commit(frames)
    assert sender.names() == numbered(3)
    assert Species.objects.get().name == "Wren"


def test_events_of_a_node_without_a_row_stay_with_its_process_until_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sender, other, ledger = Sender(), Sender("Exmoor"), Ledger()
    sender.batch()
    other.batch()
    ledger.commit(sender.resend() + other.resend())
    gone = sender.node.pk
    sender.node.delete()
    sender.batch(7)
    other.batch()
    frames = sender.rest() + other.rest()
    with caplog.at_level(logging.INFO):
        acknowledged = {ack.id: ack.sequence for ack in ledger.commit(frames)}
    assert acknowledged == {other.node.pk: 2}
    assert ledger.gone() == [(Subject.NODES, gone)]
    assert other.names() == numbered(2)
    assert "7 of its events not committed" in caplog.text
    assert not Bird.objects.filter(node_id=gone).exists()
    sender.node.pk = gone
    sender.node.save(force_insert=True)
    sender.batch()
    assert ledger.commit(sender.rest()) == []  # those before it come first
    assert ledger.commit(sender.resend())[-1].sequence == 3
    assert sender.names() == numbered(9)  # nothing was acknowledged in this test
    assert ledger.gone() == []


def test_a_species_deleted_meanwhile_is_made_again() -> None:
    sender, ledger = Sender(), Ledger()
    sender.batch()
    ledger.commit(sender.resend())
    Species.objects.get().delete()
    sender.batch()
    ledger.commit(sender.rest())
    assert sender.names() == ["#1"]


def test_what_the_database_will_never_take_is_isolated(caplog: pytest.LogCaptureFixture) -> None:
    """However bad a value slipped through, everything around it is kept."""
    sender, other, ledger = Sender(), Sender("Exmoor"), Ledger()
    sender.batch(3)
    sender.send([(0, "Robin", "good"), (2**62, "Robin", "bad"), (1, "Robin", "fine")])
    sender.batch(1)
    other.batch(1)
    acknowledged = ledger.commit(sender.resend() + other.resend())
    assert {ack.sequence for ack in acknowledged} == {3, 1}
    assert sorted(sender.names()) == sorted([*numbered(4), "good", "fine"])
    assert other.names() == numbered(1)
    status = NodeStatus.objects.get(node=sender.node)
    assert (status.events, status.rejected) == (6, 1)
    assert Reason.REFUSED_BY_DATABASE in caplog.text


def test_a_node_without_a_process_is_reported_by_the_supervisor() -> None:
    sender = Sender()
    down = Status(NodeState.CRASHED.value, AT, None, False, "killed by SIGKILL", AT + 2)
    assert Ledger().commit(read(pack(Kind.NODE_DOWN, down, origin=sender.origin))) == []
    status = NodeStatus.objects.get()
    assert (status.state, status.pid, status.last_error) == ("crashed", None, "killed by SIGKILL")
    assert status.next_try == MOMENT + datetime.timedelta(seconds=2)


def test_queries_do_not_grow_with_the_number_of_events(database: Database) -> None:
    sender, ledger = Sender(), Ledger()
    sender.batch(1)
    ledger.commit(sender.resend())

    def queries(count: int) -> int:
        sender.batch(count, rejected=count)
        sender.status(NodeState.CONNECTED, error=f"nothing is well after {count}")
        with CaptureQueriesContext(connection) as captured:
            ledger.commit(sender.rest())
        return len(captured)

    # The nodes are held; birds, their counts (on SQLite a statement for each table), packets,
    # changes and the status are written; the checkpoint is moved.
    most = {"postgresql": 11, "sqlite": 14}[database.vendor]
    assert queries(199) == queries(2) <= most


def test_what_no_program_of_ours_sent_ends_nobody() -> None:
    """A RESUME that cannot be opened; a count that would overflow the node's."""
    sender, ledger = Sender(), Ledger()
    sender.outbox.append(Kind.BATCH, Batch(AT, [], [], 2**63 - 1))
    sender.batch()
    resume = HEADER.pack(1, Kind.RESUME, *sender.origin, 5, 1, 0.0, 0) + b"\xc1"
    frames = [*read(resume), *sender.resend()]
    assert ledger.commit(frames)[-1].sequence == 2
    assert sender.names() == numbered(1)
    assert NodeStatus.objects.get(node=sender.node).rejected == 1


def test_a_stream_goes_on_after_what_does_not_exist_any_more() -> None:
    sender, ledger = Sender(), Ledger()
    for _ in range(5):
        sender.batch()
    resume, *frames = sender.resend()
    where = {"origin": sender.origin, "stream": frames[0].stream}
    gap = read(pack(Kind.GAP, 3, sequence=4, **where))
    (ack,) = ledger.commit([resume, frames[0], *gap, frames[4]])
    assert ack.sequence == 1  # the second may still come
    (ack,) = ledger.commit([frames[1], *gap, frames[4]])
    assert (ack.sequence, sender.names()) == (5, ["#0", "#1", "#4"])
    assert ledger.commit([frames[1], *gap, frames[4]])[0].sequence == 5
    assert Checkpoint.objects.get(stream=frames[0].stream).sequence == 5
