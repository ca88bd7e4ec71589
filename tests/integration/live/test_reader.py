"""The reader of one web process, and pages that other processes have told of more already."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from django.db import connection

from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.birds.recent import Recent
from birdwatcher.feed.birds.table import BirdTable
from birdwatcher.feed.database_thread import DatabaseThread
from birdwatcher.feed.follower import Follower
from birdwatcher.feed.reader import Reader
from tests.support.databases import SQLITE, Database
from tests.support.livefeed import Field
from tests.support.sqlitefile import back_up, file_of
from tests.support.waiting import STARTING

pytestmark = pytest.mark.usefixtures("database")


class Interrupted(DatabaseThread):
    """Calls `happen` each time after `newest` was called."""

    def __init__(self, newest: Callable[[], int], happen: Callable[[], None]) -> None:
        super().__init__(stays=True)
        self._newest = newest
        self._happen = happen

    async def ask(self, call: Callable[[], Any], late: Callable[[], None] = lambda: None) -> Any:
        """Answer, after something has happened."""
        answer = await super().ask(call, late)
        if call == self._newest:
            await super().ask(self._happen)
        return answer


def test_pages_that_are_ahead_are_told_nothing_twice(field: Field) -> None:
    pages: list[Follower] = [Follower(BirdFilter(), None)]
    clients = set(pages)

    def come() -> None:
        """Another process has told a bird, and the page that was told comes here."""
        if len(pages) < 3:
            (bird,) = field.hear()
            pages.append(Follower(BirdFilter(), bird.pk))
            clients.add(pages[-1])

    async def follow() -> list[list[dict[str, Any]]]:
        table = BirdTable(Recent())
        thread = Interrupted(table.newest, come)
        reader = asyncio.create_task(
            Reader(table, thread, clients, heartbeat=0.0, on_rows=lambda *_: None).run()
        )
        try:
            async with asyncio.timeout(STARTING):
                # The others are there before the first is told anything.
                return [await told(pages[0]), await told(pages[1]), await told(pages[2])]
        finally:
            reader.cancel()
            thread.close()

    field.hear(3)
    first, *ahead = asyncio.run(follow())
    seen = [page.since for page in pages]
    assert birds_in(first) == seen[1:]
    for said, since in zip(ahead, seen[1:], strict=True):
        assert birds_in(said) == [key for key in seen[1:] if key > since]
        assert min(it["latest"] for it in said if it["type"] == "heartbeat") >= since


async def told(page: Follower) -> list[dict[str, Any]]:
    """Return what a page is told up to its third sign of life."""
    said: list[dict[str, Any]] = []
    while [it["type"] for it in said].count("heartbeat") < 3:
        item = await page.next()
        assert isinstance(item, str)
        said.append(msgspec.json.decode(item))
    return said


def birds_in(said: list[dict[str, Any]]) -> list[int]:
    """Return the keys of the birds that were told."""
    return [bird["id"] for it in said if it["type"] == "birds" for bird in it["birds"]]


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_in_a_file_that_replaced_another_keys_may_begin_again(
    field: Field, database: Database
) -> None:
    page = Follower(BirdFilter(), None)

    async def follow() -> list[int]:
        thread = DatabaseThread(stays=True)
        table = BirdTable(Recent())
        reader = asyncio.create_task(
            Reader(table, thread, {page}, heartbeat=0.0, on_rows=lambda *_: None).run()
        )
        try:
            async with asyncio.timeout(STARTING):
                await told(page)
                backup.replace(file_of(database))
                while (await told(page))[-1]["latest"]:
                    pass  # it is yet to find the other file, in which there is no bird
                await asyncio.to_thread(hear)
                said: list[dict[str, Any]] = []
                while not birds_in(said):
                    said += await told(page)
                return birds_in(said)
        finally:
            reader.cancel()
            thread.close()

    def hear() -> None:
        heard.extend(bird.pk for bird in field.hear())
        connection.close()

    heard: list[int] = []
    backup = back_up(database)
    field.hear(3)
    connection.close()
    assert asyncio.run(follow()) == heard == [1]
