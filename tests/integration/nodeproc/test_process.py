"""What a node process and its source ask of each other, with a source that a test plays."""

import asyncio
from collections.abc import Awaitable, Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import Mock, call

import pytest

from nodeproc.assignment import Assignment, Exit
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool
from nodeproc.delivery.spoolfile import spool_path
from nodeproc.limits import NodeLimits
from nodeproc.logs.speaker import Speaker
from nodeproc.process import NodeProcess
from nodeproc.sources.source import Source
from nodeproc.sources.table import SOURCES
from nodeproc.wire.channel import Channel
from nodeproc.wire.frames import Frame, Kind, pack
from nodeproc.wire.messages import Batch, NodeSpec
from nodeproc.wire.subjects import Subject

SPEC = NodeSpec(7, "Dartmoor", "10.0.3.2", 9999)
ANSWERING = 10.0  # seconds
RETAINED = 1000  # bytes


class Supervisor:
    """The other end of the node process's pipe. Implements `ChannelOwner`."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = Channel(pipe, self)
        self._arrived: asyncio.Queue[Frame] = asyncio.Queue()
        self._newest: Frame | None = None
        self._acknowledges = False

    def frame_arrived(self, frame: Frame) -> None:
        self._arrived.put_nowait(frame)
        self._newest = frame
        if self._acknowledges:
            self.acknowledge(frame)

    def pipe_closed(self) -> None:
        pass

    def pipe_drained(self) -> None:
        pass

    async def next(self, kind: Kind) -> Frame:
        """Return the next frame of this kind, past all others."""
        async with asyncio.timeout(ANSWERING):
            while (frame := await self._arrived.get()).kind != kind:
                pass
        return frame

    def send(self, kind: Kind, value: object = None, **where: int) -> None:
        self._pipe.send(pack(kind, value, origin=SPEC.origin, **where))

    def acknowledge(self, frame: Frame) -> None:
        self.send(Kind.ACKED, stream=frame.stream, sequence=frame.sequence)

    def stop(self) -> None:
        """Stop the process, and acknowledge everything that it has sent or will send."""
        self._acknowledges = True
        if self._newest:
            self.acknowledge(self._newest)
        self.send(Kind.STOP)

    def close(self) -> None:
        self._pipe.close()


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Mock:
    monkeypatch.setattr("nodeproc.process.setproctitle", lambda _: None)
    monkeypatch.setattr("nodeproc.process.speaker", Speaker())
    made = Mock(spec=Source)
    made.run.side_effect = asyncio.Event().wait
    monkeypatch.setitem(SOURCES, Subject.NODES, lambda *_: made)
    return made


def play(directory: Path, act: Callable[[NodeProcess, Supervisor], Awaitable[None]]) -> None:
    """Have the test act on a running node process, and then stop that."""

    async def whole() -> Exit:
        ours, theirs = Pipe(duplex=True)
        limits = NodeLimits(retained_bytes=RETAINED)
        process = NodeProcess(theirs, Assignment(SPEC, limits, directory, 1))
        running, supervisor = asyncio.create_task(process.run()), Supervisor(ours)
        try:
            async with asyncio.timeout(ANSWERING):
                await act(process, supervisor)
                supervisor.stop()
                return await running
        finally:
            supervisor.close()

    assert asyncio.run(whole()) == Exit.DRAINED


def batch(events: int = 1) -> Batch:
    return Batch(1.0, [(0, "Robin", "Bob")] * events, [], 0)


def test_the_source_learns_what_of_its_own_is_committed(source: Mock, tmp_path: Path) -> None:
    async def act(process: NodeProcess, supervisor: Supervisor) -> None:
        positions = [process.batch_received(batch()) for _ in range(3)]
        frames = [await supervisor.next(Kind.BATCH) for _ in positions]
        assert [frame.sequence for frame in frames] == positions == [1, 2, 3]
        supervisor.acknowledge(frames[2]._replace(stream=frames[2].stream ^ 1))  # of another life
        supervisor.acknowledge(frames[1])

    play(tmp_path, act)
    # Position 4 is the status of the stopped process.
    assert source.committed.mock_calls == [call(2), call(3), call(4)]


def test_the_source_is_held_while_memory_is_full(source: Mock, tmp_path: Path) -> None:
    async def act(process: NodeProcess, supervisor: Supervisor) -> None:
        process.batch_received(batch(events=100))
        await supervisor.next(Kind.BATCH)
        assert (source.hold.called, source.go_on.called) == (True, False)

    play(tmp_path, act)
    assert source.go_on.called


def test_the_source_is_configured_and_disconnected(source: Mock, tmp_path: Path) -> None:
    renamed, moved = SPEC._replace(name="Exmoor"), SPEC._replace(port=9)

    async def act(_: NodeProcess, supervisor: Supervisor) -> None:
        supervisor.send(Kind.CONFIGURE, renamed)
        supervisor.send(Kind.CONFIGURE, moved)

    play(tmp_path, act)
    assert source.configure.mock_calls == [call(renamed), call(moved)]
    assert source.disconnect.mock_calls == [call("stopped"), call("ended")]


def test_what_an_earlier_process_left_is_taken_up_as_soon_as_it_can_be_read(
    source: Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodeproc.process.TAKE_UP_AGAIN", 0.01)
    earlier = Outbox(SPEC.origin, Spool(tmp_path, SPEC.origin, NodeLimits()))
    earlier.append(Kind.BATCH, batch())
    earlier.spool()
    path = spool_path(tmp_path, SPEC.origin)
    away = path.rename(tmp_path / "away")
    path.mkdir()

    async def act(_: NodeProcess, supervisor: Supervisor) -> None:
        trouble = (await supervisor.next(Kind.STATUS)).value()
        assert trouble.error == "cannot spool: is a directory"
        path.rmdir()
        away.rename(path)
        supervisor.acknowledge(left := await supervisor.next(Kind.BATCH))
        assert left.stream == earlier.stream
        while (await supervisor.next(Kind.STATUS)).value().error:
            pass  # what is in memory is sent again, after the spool

    play(tmp_path, act)
