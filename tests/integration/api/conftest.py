"""Who asks the API, and with what."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.databases import Database

if TYPE_CHECKING:
    from tests.support.program import Caller


@pytest.fixture
def caller(database: Database) -> "Callable[..., Caller]":
    """`caller("viewer", scope="write")`: a program with a token of a user in that group."""
    from tests.support.program import Caller, token_of

    def make(role: str = "admin", scope: str = "write") -> "Caller":
        return Caller(token_of(role, scope))

    return make
