"""The books themselves: they notice what is lost, doubled, altered or made up."""

import socket
from collections.abc import Iterator

import pytest

from tests.chaos.books import Books, Counts, Tally
from tests.chaos.connection import LAST_INSTANTS, Connection, Ending
from tests.chaos.detector import Detector
from tests.chaos.events import is_garbage, packet_of, serial_of, sighting
from tests.chaos.pace import Pace
from tests.support.packets import Sighting

SENT = range(40)
EVENTS = [serial for serial in SENT if not is_garbage(serial)]
GARBAGE = len(SENT) - len(EVENTS)
LABELS = ("no fault", "killed")


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A connection over which `SENT` was sent, and nothing read yet."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
    ):
        connection = Connection(server.accept()[0])
        for serial in SENT:
            connection.add(serial, packet_of(0, serial), 0)
        assert connection.push()
        yield connection
        connection.ended(Ending.BROKEN)


def reads(connection: Connection, packets: int) -> None:
    """Have so many packets, and half of the next one, read."""
    length = sum(len(packet_of(0, serial)) for serial in range(packets))
    connection.read = length + 10


def balance(
    connection: Connection, serials: list[int], *, extra: tuple[Sighting, ...] = ()
) -> Books:
    """Balance the connection against a database that holds the events with these serials."""
    node = Detector(0, "127.0.0.1", (1, 2), Pace.SLOW, seed=0)
    node.connections.append(connection)
    books = Books([Tally(name) for name in LABELS])
    rows = [*(sighting(0, serial) for serial in serials), *extra]
    counts = Counts(len(serials), sum(map(is_garbage, connection.serials[: connection.owed])))
    books.balance(node, rows, counts)
    return books


def test_everything_read_is_there(connection: Connection) -> None:
    reads(connection, len(SENT))
    books = balance(connection, EVENTS)
    assert not books.complaints
    tally = books.tallies[0]
    assert (tally.sent, tally.received, tally.rejected) == (len(SENT), len(SENT), GARBAGE)
    assert (tally.committed, tally.unread, tally.lost, tally.doubled) == (len(EVENTS), 0, 0, 0)


def test_what_was_not_read_may_be_missing(connection: Connection) -> None:
    reads(connection, 30)
    books = balance(connection, [serial for serial in EVENTS if serial < 30])
    assert not books.complaints
    assert books.tallies[0].unread == len(SENT) - 30


def test_more_may_have_been_read_than_is_known(connection: Connection) -> None:
    reads(connection, 30)
    books = balance(connection, [serial for serial in EVENTS if serial < 35])
    assert not books.complaints
    assert books.tallies[0].received == 35


def test_what_was_read_and_is_missing_is_lost(connection: Connection) -> None:
    reads(connection, 30)
    books = balance(connection, [serial for serial in EVENTS if serial < 29])
    assert "29 is lost" in books.complaints[0]
    assert books.tallies[0].lost == 1


def test_a_hole_is_a_loss(connection: Connection) -> None:
    books = balance(connection, [serial for serial in EVENTS if serial != 20])
    assert "20 is lost" in books.complaints[0]


def test_the_last_instants_of_a_killed_process_are_put_down_to_its_death(
    connection: Connection,
) -> None:
    reads(connection, 40)
    connection.certain, connection.killed_by = 30, 1
    books = balance(connection, [serial for serial in EVENTS if serial < 35])
    assert not books.complaints
    assert (books.tallies[0].lost, books.tallies[1].lost) == (0, 5)


def test_what_came_before_them_is_lost_all_the_same(connection: Connection) -> None:
    reads(connection, 40)
    connection.certain, connection.killed_by = 30, 1
    books = balance(connection, [serial for serial in EVENTS if serial < 29])
    assert any("29 is lost" in complaint for complaint in books.complaints)


def test_so_is_what_a_connection_brought_that_ended_moments_before(
    connection: Connection,
) -> None:
    reads(connection, 40)
    connection.ended(Ending.BROKEN)
    connection.doom(1, LAST_INSTANTS)
    books = balance(connection, [serial for serial in EVENTS if serial < 35])
    assert not books.complaints
    assert (books.tallies[0].lost, books.tallies[1].lost) == (0, 5)


def test_but_not_of_one_that_ended_longer_ago(connection: Connection) -> None:
    reads(connection, 40)
    connection.ended(Ending.BROKEN)
    connection.doom(1, 0.0)
    books = balance(connection, [serial for serial in EVENTS if serial < 35])
    assert "35 is lost" in books.complaints[0]


def test_doubles_are_noticed(connection: Connection) -> None:
    books = balance(connection, [*EVENTS, 7])
    assert "7 is in the database 2 times" in books.complaints[0]
    assert books.tallies[0].doubled == 1


def test_altered_and_made_up_rows_are_noticed(connection: Connection) -> None:
    altered = sighting(0, 50)
    books = balance(connection, EVENTS, extra=(Sighting(altered.timestamp, "Kea", altered.name),))
    assert any("nobody sent" in complaint for complaint in books.complaints)
    books = balance(connection, EVENTS, extra=(altered,))
    assert any("never sent" in complaint for complaint in books.complaints)


def test_an_uncounted_rejection_is_noticed(connection: Connection) -> None:
    reads(connection, 40)
    node = Detector(0, "127.0.0.1", (1, 2), Pace.SLOW, seed=0)
    node.connections.append(connection)
    books = Books([Tally(name) for name in LABELS])
    books.balance(node, [sighting(0, serial) for serial in EVENTS], Counts(len(EVENTS), 0))
    assert "counts 0 rejected" in books.complaints[0]


@pytest.mark.parametrize("serial", [0, 5, 36, 123_456])
def test_every_event_tells_its_serial(serial: int) -> None:
    name = sighting(3, serial).name
    assert serial_of(name) == serial
    assert len(name) <= 255
    assert f"3-{serial}" in name
