"""The thread that asks the database: its connection is its own, and lasts as long as it is good."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import django.db
import psycopg
import pytest
from django.db import connection

from birdwatcher.feed.database_thread import DatabaseThread
from tests.support.databases import Database


def backend() -> int:
    """Return the process of PostgreSQL that serves this thread."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def connected() -> bool:
    """Whether this thread has a connection now; it stays as it is."""
    return connection.connection is not None


def connect_here() -> int:
    connection.ensure_connection()
    return threading.get_ident()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("stays", [False, True])
def test_the_connection_is_closed_in_the_thread_itself(stays: bool) -> None:
    async def ask() -> list[bool]:
        thread = DatabaseThread(stays=stays)
        assert await thread.ask(connect_here) != threading.get_ident()
        afterwards = await thread.ask(connected)
        thread.close()
        return [afterwards, await thread.ask(connected)]

    connection.ensure_connection()
    assert asyncio.run(ask()) == [stays, False]
    assert connected()


@pytest.mark.usefixtures("database")
def test_the_connection_is_kept_while_it_is_held() -> None:
    async def ask() -> list[bool]:
        thread = DatabaseThread()
        with thread.held(), thread.held():
            await thread.ask(connect_here)
            held = await thread.ask(connected)
        return [held, await thread.ask(connected)]

    assert asyncio.run(ask()) == [True, False]


def test_whoever_goes_away_leaves_no_question_behind() -> None:
    asked: list[int] = []
    go_on = threading.Event()

    async def ask() -> None:
        thread = DatabaseThread(stays=True)
        began = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hang() -> None:
            loop.call_soon_threadsafe(began.set)
            go_on.wait()

        gone = [asyncio.create_task(thread.ask(hang))]
        gone += [asyncio.create_task(thread.ask(lambda: asked.append(1))) for _ in range(50)]
        await began.wait()
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        go_on.set()
        await thread.ask(lambda: asked.append(2))

    asyncio.run(ask())
    assert asked == [2]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_connection_that_broke_is_not_asked_again_however_many_wait(database: Database) -> None:
    async def ask() -> list[Any]:
        thread = DatabaseThread()
        # Answered one after the other, and so many that there is always somebody who waits.
        many = [thread.ask(call) for call in (backend, broken_by(database), *[backend] * 5)]
        return await asyncio.gather(*many, return_exceptions=True)

    first, broken, *others = asyncio.run(ask())
    assert isinstance(broken, django.db.OperationalError)
    assert len(set(others)) == 1
    assert others[0] != first


def broken_by(database: Database) -> Callable[[], int]:
    """Return a question in the midst of which the server closes the connection."""

    def ask() -> int:
        with psycopg.connect(database.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend()])
        return backend()

    return ask
