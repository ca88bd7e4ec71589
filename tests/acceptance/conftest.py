"""Fixtures of the acceptance tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.waiting import Promise

if TYPE_CHECKING:
    from tests.support.park import Park


@pytest.fixture
def park(
    database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    promise: Promise,
) -> Park:
    """A daemon, connected to one node that no test may disturb."""
    # Imports models, and this file is loaded before Django is set up.
    from tests.support.park import Park

    return Park(database, start_daemon(database), field_node, promise)
