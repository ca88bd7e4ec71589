"""How long a packet may take."""

from collections.abc import Callable

import pytest

from nodeproc.limits import NodeLimits
from nodeproc.sources.tcp.patience import PAUSED, Patience

LIMITS = NodeLimits(stall_timeout=30, packet_timeout=60)
STALLED = "a packet stalled half-way for 30 s"
SLOW = "a packet took more than 60 s to arrive"
pause, resume = Patience.pause, Patience.resume

Step = tuple[float, Callable[[Patience, float], None]]


def first(it: Patience, now: float) -> None:
    it.read(now, begins=True)


def more(it: Patience, now: float) -> None:
    it.read(now, begins=False)


@pytest.mark.parametrize(
    ("steps", "now", "left", "complaint"),
    [
        ([(0, first)], 0, 30, ""),
        ([(0, first)], 30, 0, STALLED),
        ([(0, first), (25, more)], 30, 25, ""),
        ([(0, first), (25, more), (50, more)], 55, 5, ""),
        ([(0, first), (25, more), (50, more)], 60, 0, SLOW),
        ([(0, first), (25, more), (50, first)], 60, 20, ""),  # the next packet
        # While nothing is read, no time passes.
        ([(0, first), (20, pause)], 1000, PAUSED, ""),
        ([(0, first), (20, pause), (500, pause), (999, resume)], 999, 10, ""),
        ([(0, first), (20, pause), (1000, resume)], 1011, -1, STALLED),
        ([(0, first), (25, more), (30, pause), (90, resume), (90, more)], 119, 1, ""),
        ([(0, first), (0.5, resume)], 1, 29, ""),
    ],
)  # fmt: skip
def test_a_packet(steps: list[Step], now: float, left: float, complaint: str) -> None:
    patience = Patience()
    for at, act in steps:
        act(patience, at)
    assert patience.left(LIMITS, now) == pytest.approx(left)
    if complaint:
        assert patience.complaint(LIMITS, now) == complaint
