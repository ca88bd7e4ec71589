"""Who asks the API, and with what."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.databases import Database
from tests.support.ports import PortBlock
from tests.support.processes import Processes

if TYPE_CHECKING:
    from tests.support.program import Caller


@pytest.fixture
def caller(database: Database) -> "Callable[..., Caller]":
    """`caller("viewer", scope="write")`: a program with a token of a user in that group."""
    from tests.support.program import Caller, token_of

    def make(role: str = "admin", scope: str = "write") -> "Caller":
        return Caller(token_of(role, scope))

    return make


@pytest.fixture
def start_api(database: Database, processes: Processes, ports: PortBlock) -> "Callable[..., str]":
    """`start_api(**env)`: serve the web UI, and return the address of the API."""

    def start(**env: str) -> str:
        address = f"127.0.0.1:{ports.take()}"
        variables = database.env | {"BIRDWATCHER_WEB_WORKERS": "1"} | env
        processes.manage("serve", address, env=variables).wait_for_line("web: listening on")
        return f"http://{address}/api/v1"

    return start
