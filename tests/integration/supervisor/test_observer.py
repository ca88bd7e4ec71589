"""Sampling the nodes' numbers goes on, whatever fails beside it."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from nodeproc.limits import NodeLimits
from nodeproc.logs.fold import Fold
from nodeproc.numbers.daemon import DaemonNumbers, Summary
from supervisor import observer
from supervisor.fleet import Fleet
from supervisor.observer import Observer
from supervisor.protocols import FleetOwner, WriterOwner
from supervisor.writer_link import WriterLink
from tests.support.waiting import STARTING

NO_NODE = Summary(0, 0, 0, 0, None, 0.0)
OUTDATED = Summary(9, 9, 9, 9, None, 0.0)


@pytest.fixture
def unusable() -> Iterator[socket.socket]:
    """A socket on which no server can listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        yield found


async def observe(
    directory: Path,
    listener: socket.socket | None,
    until: Callable[[DaemonNumbers], bool],
    spoil: Callable[[Fleet], None] = lambda _: None,
) -> None:
    """Have a daemon without nodes observed until its numbers are as they should be."""
    numbers = DaemonNumbers()
    writer = WriterLink(lambda *_: 0, numbers, 60.0, Mock(spec=WriterOwner))
    fleet = Fleet(NodeLimits(), directory, -1, writer, Mock(spec=FleetOwner))
    spoil(fleet)
    observing = asyncio.create_task(Observer(fleet, writer, numbers, Mock(rooms=[])).run(listener))
    async with asyncio.timeout(STARTING):
        while not until(numbers):  # noqa: ASYNC110 it tells nobody
            await asyncio.sleep(0.01)
    assert not observing.done()
    observing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await observing


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "SAMPLE_INTERVAL", 0.001)


def test_it_goes_on_without_the_metrics(
    tmp_path: Path, unusable: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    def is_renewed_after_the_failure(numbers: DaemonNumbers) -> bool:
        if "serving the metrics failed" not in caplog.text:
            return False
        if numbers.summary() == NO_NODE and seen:
            return True
        seen.append(True)
        numbers.publish(OUTDATED)
        return False

    seen: list[bool] = []
    asyncio.run(observe(tmp_path, unusable, is_renewed_after_the_failure))


def test_it_goes_on_after_a_failure_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failures = 2 * Fold.BURST
    left = list(range(failures))

    def spoil(fleet: Fleet) -> None:
        states = fleet.roster.states

        def fail_at_first() -> object:
            if left:
                left.pop()
                raise RuntimeError("a bug")
            return states()

        fleet.roster.states = fail_at_first  # type: ignore[method-assign,assignment]

    asyncio.run(observe(tmp_path, None, lambda numbers: numbers.summary() == NO_NODE, spoil))
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == Fold.BURST < failures
    assert told[0].getMessage().endswith("the next try is in 0.001 s: a bug")
    assert told[0].exc_info
