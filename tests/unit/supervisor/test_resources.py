"""What so many nodes need, and the words when something runs out."""

import errno
import logging
import resource
from unittest.mock import Mock

import pytest

from supervisor.resources import (
    ACCEPTING,
    Allowed,
    allowed,
    fold_exhaustion,
    raise_limits,
    shortages,
    words_for,
)

TASKS = "TasksMax= of the service"


@pytest.mark.parametrize(
    ("nodes", "given", "beginnings"),
    [
        (1000, Allowed(None, None, ""), []),
        (0, Allowed(3, 1, TASKS), []),
        (1000, Allowed(2064, 1002, TASKS), []),
        (1000, Allowed(2063, 1002, TASKS), ["1,000 nodes need 2,064 descriptors, but only 2,063"]),
        (1000, Allowed(9999, 1001, TASKS), ["1,000 nodes need 1,002 processes, but only 1,001"]),
        (5, Allowed(3, 3, TASKS), ["5 nodes need 74 desc", "5 nodes need 7 processes, but only 3"]),
    ],
)
def test_what_is_not_enough_is_said_with_its_numbers(
    nodes: int, given: Allowed, beginnings: list[str]
) -> None:
    found = shortages(nodes, given)
    assert len(found) == len(beginnings)
    for sentence, beginning in zip(found, beginnings, strict=True):
        assert sentence.startswith(beginning)
        assert ": raise " in sentence


def test_the_soft_limits_are_raised() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
    try:
        assert allowed().descriptors == 100
        raise_limits()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EAGAIN, "no more processes are allowed: raise LimitNPROC= and TasksMax="),
        (errno.EMFILE, "no more descriptors are allowed: raise LimitNOFILE="),
        (errno.EPERM, "operation not permitted"),
    ],
)
def test_the_words_have_the_cure(number: int, words: str) -> None:
    assert words_for(OSError(number, "Operation not permitted")).startswith(words)


def test_sockets_that_cannot_be_accepted_are_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    loop, log = Mock(), logging.getLogger("birdwatcher.web")
    handle = fold_exhaustion(log, "the web UI")
    for _ in range(60):
        error = OSError(errno.EMFILE, "Too many open files")
        handle(loop, {"message": ACCEPTING, "exception": error})
    said = [record.getMessage() for record in caplog.records]
    assert 1 <= len(said) <= 3
    assert said[0] == (
        "the web UI: no connection can be accepted: no more descriptors are allowed: raise "
        "LimitNOFILE= of the service; those that come wait"
    )
    assert not loop.default_exception_handler.called
    handle(loop, {"message": "another", "exception": error})
    assert loop.default_exception_handler.called
