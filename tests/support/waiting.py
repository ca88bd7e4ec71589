"""Waiting for something to become true, always with a deadline.

The deadlines of a test are longer than the promises of the program: a test says whether the program
works, also on a busy machine with other tests beside it. How long it really took is recorded with
the test (see `Promise`) and printed at the end of the run. `BIRDWATCHER_TEST_SLACK=0` makes the
promises themselves the deadlines.
"""

import os
import time
from collections.abc import Callable
from typing import TypeVar

# Seconds that a busy machine may add to anything that is promised within a time.
SLACK = float(os.environ.get("BIRDWATCHER_TEST_SLACK", "4"))

# Deadlines in seconds of what has no promise of its own: a program to start, a program to stop.
STARTING = 30.0
STOPPING = 20.0

PAUSE = 0.02

T = TypeVar("T")


class DeadlineMissedError(AssertionError):
    """What was waited for did not happen in time."""


def wait_until(
    condition: Callable[[], T],
    *,
    timeout: float,
    message: str | Callable[[], str],
) -> T:
    """Call `condition` until it is true and return its answer.

    `message` says what was waited for; as a function it is called only when the wait failed, to
    tell what was seen last. Raises DeadlineMissedError after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > deadline:
            text = message if isinstance(message, str) else message()
            raise DeadlineMissedError(f"not within {timeout:g} s: {text}")
        time.sleep(PAUSE)
    return answer


def stays_true(condition: Callable[[], object], *, seconds: float, message: str) -> None:
    """Raise AssertionError when `condition` turns false within the next `seconds`.

    For what must *not* happen there is nothing to wait for but time: keep `seconds` short.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not condition():
            raise AssertionError(f"did not stay so for {seconds:g} s: {message}")
        time.sleep(PAUSE)


class Promise:
    """Waits for what the program promises within a time, and records how long it took."""

    def __init__(self, record: Callable[[str, object], None]) -> None:
        """`record` is pytest's `record_property` of the test."""
        self._record = record

    def __call__(self, what: str, condition: Callable[[], T], *, within: float = 1.0) -> T:
        """Wait until `condition`, which the program promises `within` so many seconds."""
        started = time.monotonic()
        answer = wait_until(condition, timeout=within + SLACK, message=what)
        self._record("measured", (what, within, round(time.monotonic() - started, 3)))
        return answer
