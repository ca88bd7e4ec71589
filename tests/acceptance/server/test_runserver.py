"""`runserver`, for whoever changes the program: it speaks WebSocket too."""

from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from birdwatcher.live.visitors import Refusal
from tests.support.databases import Database
from tests.support.waiting import STARTING
from tests.support.web import Admin


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_tells_strangers_why_it_closes(
    database: Database, start_web: Callable[[Database], Admin]
) -> None:
    address = start_web(database).browser.base.replace("http://", "ws://")
    with (
        connect(f"{address}/api/v1/live", proxy=None, open_timeout=STARTING) as socket,
        pytest.raises(ConnectionClosed) as closed,
    ):
        socket.recv(timeout=STARTING)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == Refusal.NOT_LOGGED_IN
