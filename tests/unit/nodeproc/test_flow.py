"""How fast a node is read: the bucket as a table, and the flow with a clock of the test's."""

import asyncio
from collections.abc import Callable
from typing import cast
from unittest.mock import Mock

import pytest

from nodeproc.logs.fold import Fold
from nodeproc.sources.flow import BURST, CALM, PORTION, Bucket, Flow
from nodeproc.sources.tcp.connection import READ_SIZE, SMALLEST_READ, portion_at

RATE = 100


class Clock:
    """A clock and its timers."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, Callable[[], None], Clock.Timer]] = []

    class Timer:
        def __init__(self) -> None:
            self.is_cancelled = False

        def cancel(self) -> None:
            self.is_cancelled = True

    def later(self, seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        timer = self.Timer()
        self._timers.append((self.now + seconds, act, timer))
        return cast("asyncio.TimerHandle", timer)

    def advance(self, seconds: float) -> int:
        """Let time pass; return how many timers fired."""
        until, fired = self.now + seconds, 0
        while due := sorted((it for it in self._timers if it[0] <= until), key=lambda it: it[0]):
            self._timers.remove(due[0])
            self.now, act, timer = due[0]
            if not timer.is_cancelled:
                fired += 1
                act()
        self.now = until
        return fired

    def __call__(self) -> float:
        return self.now


class Device:
    """A flow, and what it showed."""

    def __init__(self, clock: Clock, rate: int = RATE) -> None:
        self.shown: list[str] = []
        self.flow = Flow(rate, self._changed, Mock(spec=Fold), clock.later, clock)

    def _changed(self) -> None:
        if self.flow.why != (self.shown[-1] if self.shown else ""):
            self.shown.append(self.flow.why)


@pytest.mark.parametrize(
    ("takes", "wait"),
    [
        ([(0, RATE * BURST)], 0),  # a burst
        ([(0, RATE * BURST + 1)], PORTION + 0.01),
        ([(0, RATE * BURST), (1, RATE)], 0),  # what has grown since
        ([(0, RATE * BURST), (1, RATE + 50)], PORTION + 0.5),
        ([(3600, RATE * BURST + 1)], PORTION + 0.01),  # it holds no more than a burst
        ([(0, RATE * BURST + 300), (1, 0)], PORTION + 2),  # a debt is paid first
        ([(0, RATE * BURST + 300), (3, 0)], 0),
    ],
)
def test_a_bucket(takes: list[tuple[float, float]], wait: float) -> None:
    bucket = Bucket(RATE, 0)
    assert [bucket.take(cost, at) for at, cost in takes][-1] == pytest.approx(wait)


@pytest.mark.parametrize(
    ("rate", "size"), [(1, SMALLEST_READ), (100, 12_800), (2500, READ_SIZE), (10**6, READ_SIZE)]
)
def test_one_read_is_about_a_second_at_most(rate: int, size: int) -> None:
    assert portion_at(rate) == size


def test_a_device_below_its_limit_never_waits() -> None:
    clock = Clock()
    device = Device(clock)
    for _ in range(100):
        device.flow.took(RATE // 10, 0)
        assert device.flow.is_open
        assert clock.advance(0.1) == 0  # nor does it cost a timer
    assert device.shown == []


def test_a_device_at_its_limit_is_one_state_and_not_many() -> None:
    clock = Clock()
    device = Device(clock)
    read = reads = 0
    began = clock.now
    while clock.now < began + 600:
        if device.flow.is_open:
            device.flow.took(200, 0)
            read, reads = read + 200, reads + 1
        else:
            clock.advance(0.01)
    assert RATE * 600 <= read <= RATE * (600 + BURST) + 200
    assert reads <= 600 / PORTION
    assert device.shown == ["sends more than 100 events/s, and has to wait"]
    # It keeps to its limit from now on: that is shown once it has lasted.
    clock.advance(CALM - 5)
    assert device.flow.is_open
    assert device.flow.why
    clock.advance(CALM)
    assert device.shown[1:] == [""]
    assert clock.advance(3600) == 0


def test_large_packets_cost_by_their_size() -> None:
    device = Device(Clock())
    device.flow.took(1, 1024 * (RATE * int(BURST) + 1))
    assert not device.flow.is_open


def test_a_higher_limit_ends_the_wait_and_a_lower_one_begins_it() -> None:
    clock = Clock()
    device = Device(clock)
    device.flow.took(RATE * 100, 0)
    assert not device.flow.is_open
    device.flow.limit(RATE)  # no change
    assert not device.flow.is_open
    device.flow.limit(RATE * 1000)
    assert device.flow.is_open
    device.flow.limit(1)
    device.flow.took(11, 0)
    assert not device.flow.is_open
    assert device.shown[1:] == ["", "sends more than 1 events/s, and has to wait"]
    clock.advance(2 * CALM)
    assert (device.flow.is_open, device.flow.why) == (True, "")


@pytest.mark.parametrize("first", ["hold", "wait", "halt"])
def test_it_reads_when_no_reason_to_wait_is_left(first: str) -> None:
    clock = Clock()
    device = Device(clock)
    if first == "hold":
        device.flow.hold()
        device.flow.took(RATE * 11, 0)
        clock.advance(5)
        assert not device.flow.is_open
        device.flow.go_on()
    elif first == "halt":
        device.flow.took(RATE * 11, 0)
        device.flow.halt("nothing is read")
        assert device.shown[-1] == "nothing is read"
        clock.advance(5)
        assert not device.flow.is_open
        device.flow.halt("")
        assert device.shown[-1].startswith("sends more than")
    else:
        device.flow.took(RATE * 11, 0)
        device.flow.hold()
        device.flow.go_on()
        assert not device.flow.is_open
        clock.advance(5)
    assert device.flow.is_open
