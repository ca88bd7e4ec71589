"""What the supervisor reports to the writer: taken note of, and part of no transaction."""

import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from birdwatcher.writer.inbox import Inbox
from birdwatcher.writer.process import Writer
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.wire.frames import Kind, pack
from nodeproc.wire.messages import Batch, DiskRoom
from nodeproc.wire.subjects import Origin, Subject

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

ROOM = DiskRoom("spools", "/var/lib/birdwatcher", 5, 9, 4, 2, False)
BATCH = pack(
    Kind.BATCH, Batch(1.5, [], [], 0), origin=Origin(Subject.NODES, 7), stream=1, sequence=1
)
REPORTS = [pack(Kind.DISKS, [ROOM]), pack(Kind.PROCESSES, (1.5, []))]


@pytest.fixture
def supervisor() -> Iterator[tuple[Connection, Inbox]]:
    """The supervisor's end of the pipe, and the writer's, whose signals are given back."""
    ours, theirs = multiprocessing.Pipe()
    before = signal.getsignal(signal.SIGTERM)
    inbox = Inbox(theirs)
    with ours, inbox._socket, inbox._woken, inbox._wake:
        yield ours, inbox
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, before)


def test_only_what_nodes_send_waits_for_a_transaction(
    database: object, supervisor: tuple[Connection, Inbox]
) -> None:
    pipe, inbox = supervisor
    writer = Writer(inbox, 1, DaemonNumbers())
    level = pack(Kind.RELOAD, logging.getLogger().level)
    os.write(pipe.fileno(), b"".join([*REPORTS, level, BATCH]))
    writer._read()
    assert [frame.raw for frame in writer._turns.take(100)] == [BATCH]
    assert writer._heartbeat.disks == [ROOM]
