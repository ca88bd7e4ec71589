"""Many new species: up to a bound they are made, the others are set aside, then refused."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from birdwatcher.birds import set_aside
from birdwatcher.birds.models import Bird, NewSpecies, SetAsideEvent, Species
from birdwatcher.birds.removal import clear_node
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket
from birdwatcher.writer.birds import adoption, newcomers
from birdwatcher.writer.birds.adoption import AGAIN, LOOK, Adoption
from birdwatcher.writer.birds.intake import insert_birds
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.session import open_session
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.wire.messages import Event
from nodeproc.wire.reasons import Reason
from tests.support.configured import configured
from tests.support.counted import counts_agree
from tests.support.databases import Database
from tests.support.sender import AT, MOMENT, Sender

pytestmark = pytest.mark.usefixtures("database", "five_a_day")

NOW = round(AT * 1_000_000)
ROW = SetAsideEvent.OVERHEAD + len("Species 10") + len("#10")


@pytest.fixture
def five_a_day() -> Iterator[None]:
    with configured(new_species_a_day=5):
        yield


def flood(start: int, stop: int) -> list[Event]:
    """Return an event of a species of its own for each number."""
    return [(NOW + number, f"Species {number}", f"#{number}") for number in range(start, stop)]


def commit(ledger: Ledger, *senders: Sender) -> None:
    ledger.commit([frame for sender in senders for frame in sender.rest()])


def aside(sender: Sender) -> list[str]:
    rows = SetAsideEvent.objects.filter(node=sender.node).order_by("pk")
    return list(rows.values_list("name", flat=True))


def numbered(*numbers: int) -> list[str]:
    return [f"#{number}" for number in numbers]


class Clock:
    """A clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def carry_out(moving: Adoption, clock: Clock) -> int:
    """Let the writer do all that people wish; return how many steps it took."""
    steps = 0
    while NewSpecies.objects.exclude(wish="").exists():
        clock.now += LOOK
        moving.step()
        steps += 1
        assert steps < 50
    return steps


def decide(sender: Sender, wish: str) -> bool:
    return set_aside.decide(sender.node, wish, set_aside.newest_of(sender.node))


def test_one_node_names_a_new_species_with_each_event(caplog: pytest.LogCaptureFixture) -> None:
    flooding, honest, numbers = Sender(), Sender("Exmoor"), DaemonNumbers()
    ledger = Ledger(numbers=numbers)
    Species.objects.create(name="Wren")
    flooding.send(flood(0, 12))
    honest.send([(NOW, "Robin", "#0"), (NOW, "Wren", "#1"), (NOW, "Species 11", "#2")])
    commit(ledger, flooding, honest)
    flooding.send([(NOW, "Wren", "#12"), *flood(13, 15), (NOW, "Species 3", "#15")])
    commit(ledger, flooding)
    # Exmoor made "Species 11", which is then there for Dartmoor, too.
    assert flooding.names() == numbered(0, 1, 2, 3, 4, 11, 12, 15)
    assert aside(flooding) == numbered(5, 6, 7, 8, 9, 10, 13, 14)
    assert honest.names() == numbered(0, 1, 2)
    assert Species.objects.count() == 8
    row = NewSpecies.objects.get(node=flooding.node)
    size = sum(SetAsideEvent.size_of(it.species, it.name) for it in SetAsideEvent.objects.all())
    assert (row.named, row.events, row.size, row.since) == (5, 8, size, MOMENT)
    # They were received, and nothing of them was rejected.
    status = NodeStatus.objects.get(node=flooding.node)
    assert (status.events, status.rejected) == (16, 0)
    assert (numbers.committed, numbers.set_aside) == (19, 8)
    assert caplog.text.count("more than 5 new species today") == 1  # in two transactions
    counts_agree()


def test_what_is_sent_again_is_set_aside_once() -> None:
    sender = Sender()
    sender.send(flood(0, 8))
    frames = sender.resend()
    for ledger in (Ledger(), Ledger()):
        ledger.commit(frames)
    assert aside(sender) == numbered(5, 6, 7)
    assert NewSpecies.objects.get().events == 3


def test_a_transaction_that_fails_counts_nothing(caplog: pytest.LogCaptureFixture) -> None:
    sender, ledger = Sender(), Ledger()
    sender.send(flood(0, 8))
    frames = sender.resend()
    with transaction.atomic():
        ledger.commit(frames)
        transaction.set_rollback(True)
    assert not NewSpecies.objects.exists()
    assert not SetAsideEvent.objects.exists()
    Ledger().commit(frames)
    assert (NewSpecies.objects.get().named, aside(sender)) == (5, numbered(5, 6, 7))


def test_neither_a_new_writer_nor_deleted_species_open_the_bound_but_the_next_day_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender = Sender()
    days = [datetime.date(2026, 5, 1)]
    monkeypatch.setattr(newcomers.Newcomers.__init__, "__defaults__", (lambda: days[-1],))
    for batch in range(3):
        sender.send(flood(3 * batch, 3 * batch + 3))
        Ledger().commit(sender.resend())
        Species.objects.all().delete()
    assert aside(sender) == numbered(5, 6, 7, 8)
    days.append(datetime.date(2026, 5, 2))
    sender.send(flood(8, 14))
    Ledger().commit(sender.resend())
    assert (sender.names(), aside(sender)[4:]) == (numbered(8, 9, 10, 11, 12), numbered(13))


def test_a_bound_of_the_node_overrides_the_setting() -> None:
    sender, ledger = Sender(), Ledger()
    for bound, first in ((2, 0), (0, 10), (8, 20), (None, 30)):
        Node.objects.update(new_species_a_day=bound)
        sender.send(flood(first, first + 10))
        commit(ledger, sender) if first else ledger.commit(sender.resend())
    assert sender.names() == numbered(0, 1, *range(20, 26))


def test_beyond_the_quota_events_are_counted_as_rejected(caplog: pytest.LogCaptureFixture) -> None:
    sender, numbers = Sender(), DaemonNumbers()
    with configured(new_species_a_day=10, set_aside_bytes=3 * ROW + 1):
        sender.send(flood(0, 10 + 3 + 4))
        Ledger(numbers=numbers).commit(sender.resend())
        sender.send([*flood(17, 20), *flood(0, 1)])
        Ledger(numbers=numbers).commit(sender.resend())
    assert sender.names() == numbered(*range(10), 0)
    assert aside(sender) == numbered(10, 11, 12)
    status, row = NodeStatus.objects.get(), NewSpecies.objects.get()
    assert (status.events, status.rejected) == (14, 7)
    assert (row.refused, row.size) == (7, 3 * ROW)
    assert (numbers.committed, numbers.rejected, numbers.set_aside) == (14, 7, 3)
    packets = RejectedPacket.objects.filter(reason=Reason.NEW_SPECIES).order_by("pk")
    assert packets.count() == 7
    assert b"'Species 13', '#13'" in bytes(packets[0].raw)
    assert "counted as rejected" in caplog.text


def test_a_poisoned_event_among_the_new_ones_is_isolated() -> None:
    sender = Sender()
    events = flood(0, 8)
    events.insert(6, (10**18, "Species 98", "the year 33658"))  # to be set aside
    events.insert(2, (10**18, "Species 1", "the year 33658"))  # to become a bird
    sender.send(events)
    Ledger().commit(sender.resend())
    assert sender.names() == numbered(0, 1, 2, 3, 4)
    assert aside(sender) == numbered(5, 6, 7)
    assert NewSpecies.objects.get().events == 3
    reasons = RejectedPacket.objects.values_list("reason", flat=True)
    assert list(reasons) == [Reason.REFUSED_BY_DATABASE] * 2


def test_a_flood_of_names_is_not_remembered_and_known_species_cost_no_statement() -> None:
    sender, ledger = Sender(), Ledger()
    sender.send(flood(0, 3_000))
    ledger.commit(sender.resend())
    ((intake),) = ledger._intakes.values()
    assert len(intake._species._keys) == 5
    for events in (flood(0, 5), flood(0, 5) * 30):  # few and many
        sender.send(events)
        frames = sender.rest()
        with CaptureQueriesContext(connection) as captured:
            ledger.commit(frames)
        assert not [query for query in captured if "birds_newspecies" in query["sql"]]
        assert not [query for query in captured if "birds_setaside" in query["sql"]]


@pytest.mark.parametrize("wish", NewSpecies.Wish.values)
def test_what_is_set_aside_is_adopted_or_discarded(
    wish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adoption, "CHUNK", 4)
    sender, ledger, clock = Sender(), Ledger(), Clock()
    old = [(NOW - 48 * 3_600_000_000, "Species 7", "old")]
    sender.send(flood(0, 15) + old)
    ledger.commit(sender.resend())
    moving = Adoption(clock)
    moving.step()  # nobody has wished for anything
    assert decide(sender, wish)
    assert not decide(sender, "adopt")  # one at a time
    sender.send(flood(15, 17))  # what nobody has seen yet
    commit(ledger, sender)
    moving.step()
    assert len(aside(sender)) == 13  # looks now and then only
    assert carry_out(moving, clock) == 3
    assert aside(sender) == numbered(15, 16)
    row = NewSpecies.objects.get()
    assert (row.wish, row.events, row.size, row.named) == ("", 2, 2 * ROW, 5)
    assert row.since == MOMENT
    if wish == "adopt":
        assert sender.names() == [*numbered(*range(15)), "old"]
        assert Bird.objects.filter(doubtful=True).get().name == "old"
        # The species are known now.
        sender.send(flood(14, 15))
        commit(ledger, sender)
        assert len(sender.names()) == 17
    else:
        assert sender.names() == numbered(0, 1, 2, 3, 4)
    assert NodeStatus.objects.get().rejected == 0
    counts_agree()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_writer_hears_of_a_wish_at_once_and_not_of_its_own_counting() -> None:
    sender, session = Sender(), open_session()
    session.open()
    assert session.nodes_may_have_changed()
    sender.send(flood(0, 8))
    Ledger().commit(sender.resend())
    assert not session.nodes_may_have_changed()
    assert decide(sender, "discard")
    assert session.nodes_may_have_changed()
    session.close()


def test_a_step_that_fails_is_tried_again_later_and_stops_no_commit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sender, ledger, clock = Sender(), Ledger(), Clock()
    sender.send(flood(0, 8))
    ledger.commit(sender.resend())
    decide(sender, "adopt")
    moving = Adoption(clock)

    def insert_and_fail(*arguments: Any) -> None:
        insert_birds(*arguments)
        raise IntegrityError("a species was just deleted")

    with monkeypatch.context() as patched:
        patched.setattr(adoption, "insert_birds", insert_and_fail)
        moving.step()
    assert "next try in 30 s" in caplog.text
    assert sender.names() == numbered(0, 1, 2, 3, 4)
    assert (aside(sender), NewSpecies.objects.get().events) == (numbered(5, 6, 7), 3)
    clock.now += AGAIN
    moving.step()
    assert sender.names() == numbered(*range(8))
    counts_agree()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_sequence_behind_the_birds_is_raised_and_the_step_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sender, clock = Sender(), Clock()
    sender.send(flood(0, 8))
    Ledger().commit(sender.resend())
    decide(sender, "adopt")
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('birds_bird', 'id'), 1, false)")
    assert carry_out(Adoption(clock), clock) == 2
    assert sender.names() == numbered(*range(8))
    assert "birds_bird was behind its rows" in caplog.text
    counts_agree()


def test_a_deleted_node_takes_along_what_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("birdwatcher.birds.removal.CHUNK", 2)
    sender, other, ledger = Sender(), Sender("Exmoor"), Ledger()
    sender.send(flood(0, 10))
    other.send(flood(20, 27))
    ledger.commit(sender.resend() + other.resend())
    decide(sender, "adopt")
    clear_node(sender.node)
    row = NewSpecies.objects.get(node=sender.node)
    assert (aside(sender), row.events, row.size) == ([], 0, 0)
    sender.node.delete()
    Adoption(Clock()).step()
    assert aside(other) == numbered(25, 26)


def test_the_names_are_counted_among_the_newest_events(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender()
    sender.send(flood(0, 5) + flood(10, 14) + flood(12, 14) + flood(13, 14))
    Ledger().commit(sender.resend())
    names = set_aside.names_of(sender.node, 0, 2)
    assert names == (4, [("Species 13", 3), ("Species 12", 2)], 7)
    monkeypatch.setattr(set_aside, "MOST", 3)
    assert set_aside.names_of(sender.node, 1, 5) == (2, [("Species 12", 1)], 3)
