"""Many programs at once: they catch up together, hold up no news, and none takes all there is."""

import contextlib
import threading
from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.signals import connection_created

from birdwatcher.accounts import rate_limit
from birdwatcher.accounts.rate_limit import Grants, take_share
from birdwatcher.feed.birds import replay, report
from birdwatcher.feed.birds.news import AT_ONCE
from birdwatcher.live.quota import Kind
from tests.support.configured import configured
from tests.support.databases import Database
from tests.support.follower import ProgramFollower
from tests.support.livefeed import Field, served_here
from tests.support.ports import PortBlock
from tests.support.program import token_of

PROGRAMS = 10
PIECES = 12

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_many_that_come_again_read_the_table_once(
    ports: PortBlock, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, the more there are, the longer each takes, and more comes than they read."""
    reads: list[int] = []
    read = replay._birds

    def counted(*arguments: Any) -> Any:
        found = read(*arguments)
        reads.extend([len(found[0])] if found[0] else [])
        return found

    monkeypatch.setattr(replay, "_birds", counted)
    keys = [bird.pk for bird in field.hear(PIECES * AT_ONCE)]
    token, node = token_of("viewer"), field.nodes[0].pk
    with served_here(ports.take()) as address, contextlib.ExitStack() as opened:

        def come(query: str) -> ProgramFollower:
            return opened.enter_context(ProgramFollower(address, token=token, query=query))

        programs = [come(f"?since={keys[9 * number]}") for number in range(PROGRAMS - 1)]
        some = come(f"?since={keys[0]}&node={node}")
        for number, program in enumerate(programs):
            program.read_birds(len(keys) - 9 * number - 1)
            assert program.ids == keys[9 * number + 1 :]
        some.read_birds(len(keys) // 2 - 1)
        (new,) = field.hear()
        for program in (*programs, some):
            program.read_until(lambda it=program: it.ids[-1] == new.pk)
        assert some.ids == [*keys[2::2], new.pk]
    # Once for all of them, and once more for the first pieces of those who came in between.
    assert sum(reads) <= 2 * len(keys)


def test_one_that_comes_again_keeps_its_connection(ports: PortBlock, field: Field) -> None:
    made: list[str] = []

    def note(**_: object) -> None:
        made.append(threading.current_thread().name)

    keys = [bird.pk for bird in field.hear(PIECES * AT_ONCE)]
    connection_created.connect(note)
    try:
        with (
            served_here(ports.take()) as address,
            ProgramFollower(address, token=token_of("viewer"), query="?since=0") as program,
        ):
            program.read_birds(len(keys))
            assert program.ids == keys
    finally:
        connection_created.disconnect(note)
    # For the question who it is, where to begin, all that was missed, the news, and the report.
    assert len(made) <= 6


@pytest.mark.parametrize("fails", [False, True])
def test_no_report_holds_up_the_news(
    ports: PortBlock, field: Field, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    go_on = threading.Event()

    def count() -> str:
        if fails:
            raise OperationalError("no time")
        go_on.wait()
        return '{"type":"report","total":0,"nodes":[]}'

    monkeypatch.setattr(report, "make_report", count)
    with (
        served_here(ports.take()) as address,
        ProgramFollower(address, token=token_of("viewer")) as program,
    ):
        program.read("heartbeat", 2)  # the first one may come before the news do
        field.hear(1001)
        program.read_birds(1001)
        field.hear()
        try:
            program.read_birds(1002)
        finally:
            go_on.set()
        if not fails:
            program.read("report")
        assert not program.of("trouble")


def test_nobody_may_come_too_often_or_have_too_many_open(
    ports: PortBlock, field: Field, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "grants", Grants(take_share))
    monkeypatch.setattr(rate_limit, "clock", lambda: 90.0)
    first, second = token_of("viewer"), token_of("viewer")
    rate = configured(api_rate=Kind.PROGRAM + 1)
    with rate, served_here(ports.take()) as address, contextlib.ExitStack() as opened:
        for _ in range(Kind.PROGRAM):
            opened.enter_context(ProgramFollower(address, token=first)).read("heartbeat")
        for reason in (
            "Too many are open already; close some, or try again later.",
            "There were too many requests; try again in a minute.",
        ):
            with ProgramFollower(address, token=first) as program:
                assert program.closed() == (4429, reason)
        with ProgramFollower(address, token=second) as other:
            other.read("heartbeat")


def test_who_is_refused_has_asked_too(
    ports: PortBlock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise strangers could have the database asked without end."""
    monkeypatch.setattr(rate_limit, "grants", Grants(take_share))
    monkeypatch.setattr(rate_limit, "clock", lambda: 90.0)
    rate = configured(api_anonymous_rate=3)
    with rate, served_here(ports.take()) as address:
        for code in (4401, 4401, 4401, 4429):
            with ProgramFollower(address, token="nonsense") as stranger:
                assert stranger.closed()[0] == code
