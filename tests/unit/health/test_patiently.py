"""Calls that may hang, and those who wait for them."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from birdwatcher.health import examination
from birdwatcher.health.examination import Patiently
from tests.support.waiting import STARTING, wait_until


class Oracle:
    """Answers with the number of its answers, when it is let."""

    def __init__(self) -> None:
        self.calls = 0
        self.may_answer = threading.Event()
        self.is_asked = threading.Event()

    def __call__(self) -> int:
        self.calls += 1
        self.is_asked.set()
        assert self.may_answer.wait(STARTING)
        return self.calls


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


def test_a_crowd_is_told_one_answer(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "PATIENCE", STARTING)
    patiently = Patiently(oracle)
    with ThreadPoolExecutor(20) as crowd:
        asked = [crowd.submit(patiently.ask) for _ in range(20)]
        assert oracle.is_asked.wait(STARTING)
        oracle.may_answer.set()
        told = [answer.result(STARTING) for answer in asked]
    # More than one only if some of them came later than the answer holds.
    assert oracle.calls == len(set(told)) < 20


def test_an_answer_holds_for_a_moment(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle.may_answer.set()
    patiently = Patiently(oracle)
    monkeypatch.setattr(examination, "KEPT", 3600.0)
    assert [patiently.ask() for _ in range(3)] == [1, 1, 1]
    monkeypatch.setattr(examination, "KEPT", 0.0)
    assert [patiently.ask() for _ in range(3)] == [2, 3, 4]


def test_what_hangs_is_waited_for_once_and_found_again_when_it_answers(
    oracle: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "PATIENCE", 0.05)
    patiently = Patiently(oracle)
    with pytest.raises(TimeoutError):
        patiently.ask()
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(TimeoutError):
            patiently.ask()
    assert time.monotonic() - began < 100 * 0.05
    assert oracle.calls == 1
    oracle.may_answer.set()

    def is_told() -> bool:
        with contextlib.suppress(TimeoutError):
            return patiently.ask() > 1
        return False

    wait_until(is_told, timeout=STARTING, message="it answers again")


def test_what_is_raised_is_raised_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    monkeypatch.setattr(examination, "KEPT", 3600.0)
    patiently = Patiently(fail)
    for _ in range(2):
        with pytest.raises(LookupError, match="nothing there"):
            patiently.ask()
