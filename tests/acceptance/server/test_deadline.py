"""A request that takes too long: it is ended, with its statement, and its thread is free again."""

import http.client
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from birdwatcher.common.limits import THREADS
from tests.support.databases import POSTGRESQL, Database
from tests.support.ports import PortBlock
from tests.support.processes import Processes
from tests.support.waiting import SLACK, STARTING, wait_until

SECONDS = 1.0  # that a request may take here
LONG = 60.0

Serve = Callable[[float], str]


@pytest.fixture
def serve(processes: Processes, database: Database, ports: PortBlock) -> Serve:
    """`serve(seconds)`: serve the pages of `tests.support.webprogram` by one worker."""

    def start(seconds: float) -> str:
        address = f"127.0.0.1:{ports.take()}"
        given = {"BIRDWATCHER_WEB_WORKERS": "1", "BIRDWATCHER_REQUEST_TIMEOUT": str(seconds)}
        env = database.env | given
        program = processes.python("-m", "tests.support.webprogram", "serve", address, env=env)
        program.wait_for_line(r"web: listening on http://")
        return address

    return start


def ask(address: str, path: str, method: str = "GET") -> tuple[int, str]:
    """Return the status and the text of an answer."""
    connection = http.client.HTTPConnection(address, timeout=LONG)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def at_work(database: Database) -> int:
    """Return how many statements the server still works on, of PostgreSQL."""
    if database.vendor != POSTGRESQL:
        return 0
    with psycopg.connect(database.url) as connection:
        counted = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND state = 'active' AND query LIKE '%heavy%' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert counted
    return int(counted[0])


def test_it_is_ended_with_its_statement(serve: Serve, database: Database) -> None:
    address = serve(SECONDS)
    begun = time.monotonic()
    with ThreadPoolExecutor(THREADS + 1) as visitors:
        asked = [visitors.submit(ask, address, "/heavy") for _ in range(THREADS)]
        waiting = visitors.submit(ask, address, "/count")
        answers = [it.result() for it in asked]
        # The time of a request begins when it has a thread.
        assert waiting.result() == (200, "0")
    # One client has not all threads, so the last request has waited for one.
    assert time.monotonic() - begun < 2 * SECONDS + SLACK
    for status, text in answers:
        assert status == 503
        assert "This took too long" in text
        assert "http-equiv" not in text  # it must not ask for the same again by itself
    wait_until(lambda: not at_work(database), timeout=STARTING, message="no statement goes on")
    # The next requests meet the same threads, with connections that work.
    assert [ask(address, "/count") for _ in range(2 * THREADS)] == [(200, "0")] * 2 * THREADS


def test_the_work_ends_when_the_reader_leaves(serve: Serve, database: Database) -> None:
    address = serve(LONG)
    for _ in range(THREADS):
        visitor = http.client.HTTPConnection(address, timeout=LONG)
        visitor.request("GET", "/heavy")
        assert visitor.sock
        visitor.sock.close()
    begun = time.monotonic()
    assert ask(address, "/count") == (200, "0")
    assert time.monotonic() - begun < SLACK + STARTING
    wait_until(lambda: not at_work(database), timeout=STARTING, message="no statement goes on")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_streams_and_changes_in_pieces_are_not_cut_off(serve: Serve) -> None:
    address = serve(0.3)
    connection = http.client.HTTPConnection(address, timeout=LONG)
    connection.request("GET", "/endless")
    stream = connection.getresponse()
    changed: list[tuple[int, str]] = []
    changing = threading.Thread(target=lambda: changed.append(ask(address, "/pieces", "POST")))
    changing.start()
    while changing.is_alive():
        assert stream.read(1000)
    changing.join()
    connection.close()
    assert changed == [(200, "done")]
