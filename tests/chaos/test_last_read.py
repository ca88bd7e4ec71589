"""A node process that ends reads nothing more, or spools what it reads: there is no gap between."""

import asyncio
import os
import socket
from multiprocessing import Pipe
from pathlib import Path

import pytest

from nodeproc.assignment import Assignment, Exit
from nodeproc.delivery.spoolfile import SpoolReader, spool_path
from nodeproc.limits import NodeLimits
from nodeproc.logs.speaker import Speaker
from nodeproc.process import NodeProcess
from nodeproc.states import NodeState
from nodeproc.wire.frames import FrameReader, Kind
from nodeproc.wire.messages import NodeSpec
from nodeproc.wire.subjects import Origin, Subject
from tests.chaos import queues
from tests.chaos.connection import Connection, Ending
from tests.chaos.events import packet_of

NODE = 7
PACKETS = 8
CONNECTING = 10.0  # seconds


@pytest.fixture(autouse=True)
def anonymous(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the node process is no process: it must not take over the name of this one."""
    monkeypatch.setattr("nodeproc.process.setproctitle", lambda _: None)
    monkeypatch.setattr("nodeproc.process.speaker", Speaker())


async def until_connected(pipe: int) -> None:
    """Read what comes up the pipe until it says so."""
    frames = FrameReader()
    told = asyncio.Event()

    def read() -> None:
        for frame in frames.feed(os.read(pipe, 65536)):
            if frame.kind == Kind.STATUS and frame.value()[0] == NodeState.CONNECTED:
                told.set()

    asyncio.get_running_loop().add_reader(pipe, read)
    async with asyncio.timeout(CONNECTING):
        await told.wait()
    asyncio.get_running_loop().remove_reader(pipe)


async def send_while_it_ends(directory: Path) -> Connection:
    """Have the process end, and send a packet in every turn of the loop meanwhile."""
    ours, theirs = Pipe(duplex=True)
    with ours, socket.create_server(("127.0.0.1", 0)) as server:
        spec = NodeSpec(NODE, "Dartmoor", *server.getsockname())
        process = NodeProcess(theirs, Assignment(spec, NodeLimits(), directory, 1))
        running = asyncio.create_task(process.run())
        await until_connected(ours.fileno())
        connection = Connection(server.accept()[0])
        process.finish(Exit.ORPHANED)
        for serial in range(PACKETS):
            try:
                connection.add(serial, packet_of(NODE, serial), 0)
                connection.push()
            except OSError:  # it is gone
                break
            await asyncio.sleep(0)
            connection.observe(connection.acknowledged(), queues.unread())
        assert await running == Exit.ORPHANED
        connection.ended(Ending.BROKEN)
    return connection


def spooled(directory: Path) -> int:
    """Return how many events are in the spool."""
    path = spool_path(directory, Origin(Subject.NODES, NODE))
    if not path.exists():
        return 0
    with path.open("rb") as file:
        frames = [frame for frame, _ in SpoolReader(file.fileno()).all()]
    batches = [frame.value() for frame in frames if frame.kind == Kind.BATCH]
    return sum(len(batch.events) for batch in batches)


def test_what_is_read_at_the_end_is_spooled(tmp_path: Path) -> None:
    connection = asyncio.run(send_while_it_ends(tmp_path))
    assert spooled(tmp_path) >= connection.packets_within(connection.read)
