"""Log lines: whole, bounded, unforgeable, and not a thousand of the same."""

import contextlib
import json
import logging
import os
import select
import sys
from collections.abc import Iterator

import pytest

from nodeproc.logs.fold import Fold
from nodeproc.logs.lines import JsonFormatter, StderrHandler, TextFormatter
from nodeproc.logs.speaker import about, speaker
from nodeproc.wire.subjects import Origin, Subject


@pytest.fixture(autouse=True)
def somebody() -> Iterator[None]:
    before = vars(speaker).copy()
    speaker.become("node=7 Dartmoor\n10.0.3.2:9999", Origin(Subject.NODES, 7))
    yield
    vars(speaker).update(before)


def record(message: str, *args: object, exc_info: bool = False) -> logging.LogRecord:
    return logging.LogRecord(
        "birdwatcher",
        logging.WARNING,
        __file__,
        1,
        message,
        args,
        sys.exc_info() if exc_info else None,
    )


def test_a_text_line_says_who_and_what_and_cannot_be_forged() -> None:
    line = TextFormatter().format(record("refused by %s", "a\nb\x1b[31m"))
    assert line.endswith(r"Z WARNING node=7 Dartmoor\n10.0.3.2:9999: refused by a\nb\x1b[31m")


def test_a_json_line_is_json_at_any_length() -> None:
    try:
        raise ValueError("x" * 20_000)
    except ValueError:
        line = JsonFormatter().format(record("🐦" * 5000, exc_info=True))
    assert len(line) < select.PIPE_BUF * 4
    entry = json.loads(line)
    assert (entry["level"], entry["subject"], entry["node"]) == ("warning", "nodes", 7)


def test_a_json_line_about_a_node_carries_its_id_whoever_speaks() -> None:
    speaker.become("supervisor")
    line = record("all is well")
    assert not {"subject", "node"} & json.loads(JsonFormatter().format(line)).keys()
    vars(line).update(about(8, "Exmoor"))
    assert json.loads(JsonFormatter().format(line))["node"] == 8


@contextlib.contextmanager
def stderr_pipe() -> Iterator[int]:
    """Standard error as a pipe, inside the test's body; yields the end to read from."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    saved = os.dup(2)
    os.dup2(writing, 2)
    os.close(writing)
    try:
        yield reading
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(reading)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_no_line_is_longer_than_the_kernel_keeps_whole(formatter: logging.Formatter) -> None:
    with stderr_pipe() as reading:
        handler = StderrHandler()
        handler.setFormatter(formatter)
        handler.emit(record("é" * 10_000))
        data = os.read(reading, 100_000)
    assert len(data) <= select.PIPE_BUF
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    if isinstance(formatter, JsonFormatter):
        assert json.loads(data)["level"] == "warning"


def test_a_reader_that_stopped_reading_costs_lines_and_not_time() -> None:
    with stderr_pipe() as reading:
        handler = StderrHandler()
        handler.setFormatter(TextFormatter())
        for _ in range(200):
            handler.emit(record("x" * 1000))
        assert os.read(reading, 1_000_000)
        handler.emit(record("here again"))
        text = os.read(reading, 1_000_000).decode()
    assert "here again" in text
    assert "log lines lost" in text


class Told(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class FoldBench:
    def __init__(self) -> None:
        self.now = 0.0
        log = logging.Logger("test")
        self.told = Told()
        log.addHandler(self.told)
        self.fold = Fold(log, clock=lambda: self.now)

    def repeat(self, kind: str, seconds: float, every: float) -> list[str]:
        self.told.lines.clear()
        until = self.now + seconds
        while self.now < until:
            self.fold(logging.WARNING, kind, f"{kind} at {self.now:g}")
            self.now += every
        return list(self.told.lines)


def test_an_hour_long_outage_is_a_handful_of_lines() -> None:
    lines = FoldBench().repeat("refused", 3600, 1.5)
    assert lines[:3] == ["refused at 0", "refused at 1.5", "refused at 3"]
    assert lines[3].startswith("refused at 60 (37 more of this in the last 1 min)")
    assert len(lines) <= 9


def test_a_kind_that_was_quiet_begins_anew() -> None:
    bench = FoldBench()
    bench.repeat("refused", 30, 1)
    bench.now += 61
    assert len(bench.repeat("refused", 3, 1)) == 3


def test_kinds_do_not_fold_each_other_and_are_bounded() -> None:
    bench = FoldBench()
    bench.repeat("refused", 30, 1)
    assert bench.repeat("no answer", 1, 1) == ["no answer at 30"]
    for number in range(10 * Fold.MAX_KINDS):
        bench.repeat(f"kind {number}", 1, 1)
    assert len(bench.fold._kinds) == Fold.MAX_KINDS
