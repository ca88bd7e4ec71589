"""Requests that find no thread of the web UI free."""

import asyncio
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from birdwatcher.common.limits import THREADS
from birdwatcher.server import handler
from birdwatcher.server.handler import BoundedApplication

SCOPE = {"type": "http", "path": "/"}


def test_nobody_waits_for_a_thread_without_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "THREAD_TIMEOUT", 0.05)

    async def visit() -> None:
        ended = asyncio.Event()

        async def answer(_scope: Any, _receive: Any, send: Any) -> None:
            await ended.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})

        application = BoundedApplication(answer)
        visitors = [ApplicationCommunicator(application, SCOPE) for _ in range(THREADS + 1)]
        for visitor in visitors:
            await visitor.send_input({"type": "http.request"})
        refused = await visitors[-1].receive_output(timeout=20)
        assert refused["status"] == 503
        assert dict(refused["headers"])[b"retry-after"].isdigit()
        ended.set()
        again = ApplicationCommunicator(application, SCOPE)
        await again.send_input({"type": "http.request"})
        for visitor in (*visitors[:-1], again):
            assert (await visitor.receive_output(timeout=20))["status"] == 200

    asyncio.run(visit())
