"""What one commit, one read and one turn of the loop may cost, in counts that do not drift.

How long things take is measured by `make bench`. These tests hold on to what makes it so.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import socket
import sys
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from birdwatcher.birds.models import Bird
from birdwatcher.common.database.tables import fields_of
from birdwatcher.writer.ledger import Ledger
from nodeproc.logs.fold import Fold
from nodeproc.sources.tcp.receiver import Receiver
from nodeproc.wire import channel
from nodeproc.wire.channel import BUFFERS_PER_CALL, Channel, ChannelOwner
from nodeproc.wire.frames import Frame, Kind, pack
from nodeproc.wire.messages import Batch
from nodeproc.wire.subjects import Origin, Subject
from tests.support.databases import Database
from tests.support.packets import encode, numbered
from tests.support.sender import AT, Sender

# BEGIN; on PostgreSQL, the proof of the lock; lock the nodes; lock the species, by their names;
# birds; counts of birds; statuses; checkpoints; COMMIT. On SQLite species and counts take
# statements without Django.
ORIGIN = Origin(Subject.NODES, 1)

STATEMENTS = {"sqlite": 6, "postgresql": 9}
# Of a commit with few events. What SQLite is told costs a call of a function, what PostgreSQL is
# told a message and its answer.
FEW_STATEMENTS = {"sqlite": 10, "postgresql": 1}
# An event is a tuple of a number and two texts.
BLOCKS = 4
READS = 6


def frames_of(senders: list[Sender], events: int) -> list[Frame]:
    """Return a batch of so many events of each sender."""
    frames = []
    for sender in senders:
        sender.batch(events)
        frames += sender.rest()
    return frames


def test_a_commit_takes_as_many_statements_for_a_few_thousand_events_as_for_many(
    database: Database,
) -> None:
    ledger = Ledger()
    senders = [Sender(f"Node {number}") for number in range(20)]
    ledger.commit(frames_of(senders, 1))  # the species is made, the statuses are read
    for some, events in ((senders[:1], 5_000), (senders, 250)):
        frames = frames_of(some, events)
        with CaptureQueriesContext(connection) as captured:
            ledger.commit(frames)
        said = [query["sql"] for query in captured]
        assert len(said) == STATEMENTS[database.vendor], "\n".join(text[:200] for text in said)


def test_a_commit_of_few_events_goes_the_shortest_way(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger()
    senders = [Sender(f"Node {number}") for number in range(20)]
    ledger.commit(frames_of(senders, 1))  # the species is made, the statuses are read
    for some, events in ((senders[:1], 1), (senders[:1], 100), (senders, 5)):
        frames = frames_of(some, events)
        with CaptureQueriesContext(connection) as captured, told(monkeypatch) as said:
            ledger.commit(frames)
        assert not captured.captured_queries  # by way of Django
        # One for each row is SQLite's own way of many rows: it is one call.
        kinds = [
            text for place, text in enumerate(said) if text != "".join(said[place - 1 : place])
        ]
        assert len(kinds) == FEW_STATEMENTS[database.vendor], kinds


@contextlib.contextmanager
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect what the database is told without Django: of SQLite's statements the first words."""
    said: list[str] = []
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.set_trace_callback(
            lambda text: said.append(" ".join(text.split()[:3]))
        )
        yield said
        connection.connection.set_trace_callback(None)
        return
    execute = psycopg.Cursor.execute

    def listening(self: psycopg.Cursor, query: str, *args: Any, **kwargs: Any) -> Any:
        said.append(query)
        return execute(self, query, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", listening)
        yield said


def test_what_is_inserted_names_every_field(database: Database) -> None:
    """A field that a migration adds has to be given a value in `statements.bird` too."""
    names = [field.attname for field in fields_of(Bird)]
    assert names == ["timestamp", "name", "species_id", "node_id", "doubtful"]


def receiver() -> Receiver:
    """Return the receiving side of a connection, of which nobody hears."""
    return Receiver(65536, Fold(logging.getLogger("tests")))


def test_an_event_is_four_objects_in_memory() -> None:
    receiving = receiver()
    batches: list[Batch | None] = [None] * READS
    growth = []
    for read in range(READS):
        data = b"".join(encode(numbered(1000 * read + it)) for it in range(1000))
        before = sys.getallocatedblocks()
        batches[read], _ = receiving.receive(data)
        growth.append(sys.getallocatedblocks() - before)
    assert [len(batch.events) for batch in batches if batch] == [1000] * READS
    # The first makes what is made once; and what other threads of the tests made in the meantime is
    # counted, too.
    assert min(growth[1:]) <= BLOCKS * 1000 + 100


def test_what_one_read_yields_is_one_frame() -> None:
    data = b"".join(encode(numbered(it)) for it in range(1000))
    batch, _ = receiver().receive(data)
    assert batch is not None
    raw = pack(Kind.BATCH, batch, origin=ORIGIN, stream=1, sequence=1)
    assert len(raw) < len(data)


class CountingSocket(socket.socket):
    """A socket that counts its system calls."""

    calls = 0

    def sendmsg(self, *arguments: object) -> int:
        """Send, and count."""
        type(self).calls += 1
        return super().sendmsg(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("frames", [1, 10, BUFFERS_PER_CALL])
def test_what_is_sent_in_one_turn_leaves_in_one_system_call(
    frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CountingSocket, "calls", 0)
    monkeypatch.setattr(channel.socket, "socket", CountingSocket)
    raw = pack(
        Kind.BATCH, Batch(AT, [(1, "Robin", "Bob")], [], 0), origin=ORIGIN, stream=1, sequence=1
    )

    async def send() -> None:
        ours, theirs = multiprocessing.Pipe()
        gone = asyncio.Event()
        end = Channel(ours, Mock(spec=ChannelOwner, pipe_drained=gone.set))
        for _ in range(frames):
            end.send(raw)
        async with asyncio.timeout(10):
            await gone.wait()
        end.close()
        theirs.close()

    asyncio.run(send())
    assert CountingSocket.calls == 1
