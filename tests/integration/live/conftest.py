"""A web server that is followed, and birds.

Nothing that knows models is imported here at once: Django is not set up yet when pytest is given
this folder.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.databases import Database
from tests.support.ports import PortBlock
from tests.support.processes import Processes

if TYPE_CHECKING:
    from tests.support.livefeed import Field, Web


@pytest.fixture(autouse=True)
def threads_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the threads that ask the database here, and their connections: elsewhere a process does
    that."""
    from birdwatcher.feed.database_thread import DatabaseThread

    made: list[DatabaseThread] = []
    begin = DatabaseThread.__init__

    def remembered(self: DatabaseThread, **options: bool) -> None:
        begin(self, **options)
        made.append(self)

    monkeypatch.setattr(DatabaseThread, "__init__", remembered)
    yield
    for thread in made:
        thread.close()
        thread._executor.shutdown()


@pytest.fixture
def start(processes: Processes, ports: PortBlock) -> "Callable[..., Web]":
    """`start(database, **env)`: serve the web UI of a database, and wait until it listens."""

    from tests.support.follower import cookie_of, log_in
    from tests.support.livefeed import Web

    def serve(database: Database, **env: str) -> "Web":
        address = f"127.0.0.1:{ports.take()}"
        program = processes.manage("serve", address, env=database.env | env)
        program.wait_for_line(r"web: listening on http://")
        return Web(address, program, cookie_of(log_in(f"viewer at {address}")))

    return serve


@pytest.fixture
def web(database: Database, start: "Callable[..., Web]") -> "Web":
    """The web server, with one worker process."""
    return start(database, BIRDWATCHER_WEB_WORKERS="1")


@pytest.fixture
def field(database: Database) -> "Field":
    """Where birds are heard."""
    from tests.support.livefeed import Field

    return Field()
