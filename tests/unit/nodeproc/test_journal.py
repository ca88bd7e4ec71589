"""Lines in the journal: with their fields, from every process, and never waited for."""

import asyncio
import gc
import logging
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import Mock

import pytest

from nodeproc.logs.fold import Fold
from nodeproc.logs.journal import LAST_WORDS, JournalHandler, encode, is_journal, priority
from nodeproc.logs.lines import WAIT_MS
from nodeproc.logs.speaker import about, speaker
from nodeproc.wire.subjects import Origin, Subject
from supervisor.children import Child
from supervisor.in_child import EXIT_CRASHED
from supervisor.protocols import ChildOwner
from tests.support.journald import Entry, Journal, decode

NODE = Origin(Subject.NODES, 7)


@pytest.fixture(autouse=True)
def somebody() -> Iterator[None]:
    before = vars(speaker).copy()
    speaker.become("node=7 Dart\x1bmoor 10.0.3.2:9999", NODE, "Dart\x1bmoor")
    yield
    vars(speaker).update(before)


@pytest.fixture
def path() -> Iterator[Path]:
    # Not in the test's own directory: the address of a Unix socket has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="bw-journal-") as directory:
        yield Path(directory) / "socket"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    yield journal
    journal.close()


@pytest.fixture
def handler(journal: Journal) -> Iterator[JournalHandler]:
    handler = JournalHandler(str(journal.path))
    yield handler
    handler.close()


@pytest.fixture
def log(handler: JournalHandler) -> logging.Logger:
    log = logging.Logger("birdwatcher.test")
    log.addHandler(handler)
    return log


def messages(entries: list[Entry]) -> list[str]:
    return [entry["MESSAGE"] for entry in entries]


# What is in an entry


def test_an_entry_says_who_what_and_where(log: logging.Logger, journal: Journal) -> None:
    log.warning("refused by %s", "a\nb")
    line = sys._getframe().f_lineno - 1
    assert journal.wait() == {
        "MESSAGE": r"node=7 Dart\x1bmoor 10.0.3.2:9999: refused by a\nb",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "birdwatcher",
        "PROCESS": "node",
        "SUBJECT": "nodes",
        "NODE": "7",
        "NODE_NAME": "Dart\x1bmoor",
        "LOGGER": "birdwatcher.test",
        "CODE_FILE": __file__,
        "CODE_LINE": str(line),
        "CODE_FUNC": "test_an_entry_says_who_what_and_where",
    }


def test_lines_of_others_about_a_node_carry_it_too(log: logging.Logger, journal: Journal) -> None:
    speaker.become("supervisor")
    log.error("it crashed", extra=about(8, "Exmoor"))
    log.error("all is well")
    first, second = journal.wait(), journal.wait()
    assert (first["PROCESS"], first["NODE"], first["NODE_NAME"]) == ("supervisor", "8", "Exmoor")
    assert first["MESSAGE"] == "supervisor: it crashed"
    assert not second.keys() & {"SUBJECT", "NODE", "NODE_NAME"}


@pytest.mark.parametrize(
    ("name", "process", "identifier"),
    [("writer", "writer", "birdwatcher"), ("web worker 3", "web", "birdwatcher-web")],
)
def test_an_entry_tells_the_kind_of_process(
    log: logging.Logger, journal: Journal, name: str, process: str, identifier: str
) -> None:
    speaker.become(name)
    log.info("ready")
    entry = journal.wait()
    assert (entry["PROCESS"], entry["MESSAGE"]) == (process, f"{name}: ready")
    # journalctl -t
    assert entry["SYSLOG_IDENTIFIER"] == identifier


def test_a_folded_line_names_the_code_that_spoke(log: logging.Logger, journal: Journal) -> None:
    Fold(log)(logging.ERROR, "kind", "what happened", about(8))
    entry = journal.wait()
    assert entry["CODE_FILE"] == __file__
    assert entry["NODE"] == "8"
    assert "NODE_NAME" not in entry


def test_a_traceback_is_part_of_its_entry(log: logging.Logger, journal: Journal) -> None:
    try:
        raise KeyError("a\x1b[31m\nPRIORITY=0")
    except KeyError:
        log.exception("crashed")
    entry = journal.wait()
    first, second, *_, last = entry["MESSAGE"].split("\n")
    assert first.endswith(": crashed")
    assert second == "Traceback (most recent call last):"
    assert last.startswith("KeyError: ")
    assert (entry["EXCEPTION"], entry["PRIORITY"]) == ("KeyError", "3")


@pytest.mark.parametrize(
    ("level", "number"),
    [
        (logging.CRITICAL + 5, 2),
        (logging.CRITICAL, 2),
        (logging.ERROR, 3),
        (logging.WARNING, 4),
        (logging.WARNING - 5, 6),
        (logging.INFO, 6),
        (logging.DEBUG, 7),
        (logging.NOTSET, 7),
    ],
)
def test_level_as_priority(level: int, number: int) -> None:
    assert priority(level) == number


@pytest.mark.parametrize("value", ["", "plain", "é🐦", "a\nPRIORITY=0\n", "\x00\x1b", "=", "\n"])
def test_any_value_stays_in_its_field(value: str) -> None:
    fields = {"MESSAGE": value, "NODE_NAME": value, "PRIORITY": "6"}
    assert decode(encode(fields, 100)) == fields


def test_what_is_no_unicode_is_sent_all_the_same(log: logging.Logger, journal: Journal) -> None:
    log.info("the file %s", os.fsdecode(b"\xff.spool"))
    assert r"\udcff.spool" in journal.wait()["MESSAGE"]


# However long


def test_a_huge_message_loses_its_middle(log: logging.Logger, journal: Journal) -> None:
    log.error("first %s last", "🐦" * 5_000_000)
    text = journal.wait()["MESSAGE"]
    assert "first" in text
    assert "characters left out" in text
    assert text.endswith("last")
    assert len(text.encode()) < 70_000


def test_a_socket_that_takes_little_gets_little(
    log: logging.Logger, handler: JournalHandler, journal: Journal
) -> None:
    log.info("this opens the socket")
    assert handler._descriptor is not None
    with socket.socket(fileno=os.dup(handler._descriptor)) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 0)  # as little as the kernel allows
    log.error("first %s last", "🐦" * 10_000)
    assert journal.wait()["MESSAGE"].endswith("this opens the socket")
    assert journal.wait()["MESSAGE"].endswith("last")


# Whatever the journal does


def test_a_journal_that_stands_still_costs_lines_and_not_time(
    log: logging.Logger, journal: Journal
) -> None:
    began = time.monotonic()
    for number in range(5000):
        log.info("line %d", number)
    kept = len(journal.read_all())
    # Far less than if each line that was lost had been waited for; a busy machine takes seconds.
    assert time.monotonic() - began < (5000 - kept) * WAIT_MS / 1000 / 2
    log.info("here again")
    entry = journal.wait()
    assert entry["LINES_LOST"] == str(5000 - kept)
    assert f": here again\n[{5000 - kept} log lines lost" in entry["MESSAGE"]
    log.info("all is well")
    assert "LINES_LOST" not in journal.wait()


def test_a_journal_made_anew_is_found(log: logging.Logger, journal: Journal) -> None:
    log.info("before")
    assert journal.wait()["MESSAGE"].endswith("before")
    journal.close()
    journal.open()
    log.info("afterwards")
    assert journal.wait()["MESSAGE"].endswith("afterwards")


def test_without_a_journal_the_log_goes_to_standard_error(
    log: logging.Logger, journal: Journal, capfd: pytest.CaptureFixture[str]
) -> None:
    journal.close()
    log.error("first")
    log.error("second")
    told, first, second = capfd.readouterr().err.splitlines()
    assert " WARNING " in told
    assert f"no journal at {journal.path} (No such file or directory)" in told
    assert first.endswith(r"node=7 Dart\x1bmoor 10.0.3.2:9999: first")
    assert second.endswith(": second")

    journal.open()
    log.error("third")
    assert journal.wait()["MESSAGE"].endswith(": third")
    journal.close()
    log.error("fourth")
    told, fourth = capfd.readouterr().err.splitlines()
    assert "no journal at" in told
    assert fourth.endswith(": fourth")


def test_a_bug_in_a_log_line_ends_nobody(
    log: logging.Logger, journal: Journal, capfd: pytest.CaptureFixture[str]
) -> None:
    log.info("%d", "not a number")
    assert "Logging error" in capfd.readouterr().err
    assert journal.read() is None


# Whoever speaks


def speak(connection: Connection, _parent: int, handler: JournalHandler, number: int) -> int:
    """In a forked child: log, though the handler's descriptor is another socket by now."""
    ours, theirs = socket.socketpair()
    if number != ours.fileno():
        os.dup2(ours.fileno(), number)
    speaker.become("writer")
    log = logging.Logger("birdwatcher.test")
    log.addHandler(handler)
    log.info("from the child")
    handler.close()
    log.info("and again")
    gc.collect()
    theirs.setblocking(False)
    try:
        return len(theirs.recv(1000))
    except BlockingIOError:
        return 0 if os.path.sameopenfile(number, ours.fileno()) else 1


def fork(target: Callable[..., int], *args: object) -> int:
    """Run `target` in a child as the supervisor's are; return its exit code."""

    async def until_it_ends() -> int:
        ended = asyncio.get_running_loop().create_future()
        Child(target, args, Mock(spec=ChildOwner, child_ended=ended.set_result))
        async with asyncio.timeout(20):
            return await ended

    return asyncio.run(until_it_ends())


def test_a_forked_child_uses_nobody_elses_descriptor(
    log: logging.Logger, handler: JournalHandler, journal: Journal
) -> None:
    log.info("from the parent")
    assert fork(speak, handler, handler._descriptor) == 0
    log.info("from the parent again")
    entries = journal.read_all()
    assert [(entry["PROCESS"], entry["MESSAGE"].split(": ")[-1]) for entry in entries] == [
        ("node", "from the parent"),
        ("writer", "from the child"),
        ("writer", "and again"),
        ("node", "from the parent again"),
    ]


def crash(*_: object) -> int:
    raise RuntimeError("a bug")


def test_last_words_are_given_a_moment_to_arrive(handler: JournalHandler, journal: Journal) -> None:
    """But no more than that: nobody reads them here."""
    root = logging.getLogger()
    root.addHandler(handler)
    began = time.monotonic()
    try:
        assert fork(crash) == EXIT_CRASHED
    finally:
        root.removeHandler(handler)
    assert time.monotonic() - began >= LAST_WORDS
    assert journal.wait()["EXCEPTION"] == "RuntimeError"


def test_a_closed_handler_leaves_no_descriptor(
    log: logging.Logger, handler: JournalHandler, journal: Journal
) -> None:
    log.info("opened")
    descriptor = handler._descriptor
    assert descriptor is not None
    assert os.fstat(descriptor)
    handler.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_the_journals_stream_is_recognised() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        found = os.fstat(ours.fileno())
        stream = f"{found.st_dev}:{found.st_ino}"
        assert is_journal(ours.fileno(), stream)
        assert not is_journal(theirs.fileno(), stream)
        assert not is_journal(ours.fileno(), "")
        number = ours.fileno()
    assert not is_journal(number, stream)
