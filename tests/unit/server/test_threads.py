"""Threads in turn for those who ask, and requests that find none."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator

from birdwatcher.common.limits import REQUESTS_OF_EACH, THREADS
from birdwatcher.server import handler
from birdwatcher.server.handler import BoundedApplication
from birdwatcher.server.threads import Call, NoThreadError, Threads, Visit

WAIT = 20.0  # seconds, for what takes none


def asked_by(address: str) -> dict[str, Any]:
    """Return a request of this client."""
    return {"type": "http", "path": "/", "client": (address, 1), "headers": []}


def submit(threads: Threads, client: str, run: Callable[[], Any]) -> Future[Any]:
    """Have `run` called for a client; return the future of its result."""
    call = Call(Future(), run)
    threads.submit(client, call)
    return call.future


class Blocked:
    """Calls that run until they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._gone = threading.Event()

    def call(self, name: str) -> Callable[[], str]:
        """Return one."""

        def run() -> str:
            self.begun.append(name)
            assert self._gone.wait(WAIT)
            return name

        return run

    def let_go(self) -> None:
        """Let all of them end."""
        self._gone.set()

    def wait_for(self, number: int) -> None:
        """Wait until so many have begun."""
        deadline = time.monotonic() + WAIT
        while len(self.begun) < number and time.monotonic() < deadline:
            time.sleep(0.001)
        assert len(self.begun) == number


def test_no_client_has_all_threads_and_the_next_call_is_anothers() -> None:
    threads, blocked = Threads(3), Blocked()
    calls: list[Future[Any]] = [submit(threads, "a", blocked.call("a")) for _ in range(5)]
    calls += [submit(threads, "b", blocked.call("b")) for _ in range(2)]
    calls += [submit(threads, "c", blocked.call("c"))]
    blocked.wait_for(3)
    assert sorted(blocked.begun) == ["a", "a", "b"]
    blocked.let_go()
    assert [it.result(WAIT) for it in calls] == list("aaaaabbc")
    # Whoever has fewer under way, before the one who asked first.
    assert blocked.begun[3] != "a"


def test_a_call_that_waits_can_be_given_up_and_one_that_runs_cannot() -> None:
    threads, blocked = Threads(1), Blocked()
    running, waiting, other = (submit(threads, it, blocked.call(it)) for it in "aab")
    for future in (running, waiting):
        threads.give_up("a", future)
    with pytest.raises(NoThreadError):
        waiting.result(WAIT)
    blocked.let_go()
    assert (running.result(WAIT), other.result(WAIT)) == ("a", "b")


def test_an_error_is_raised_where_the_result_is_awaited() -> None:
    threads = Threads(1)
    with pytest.raises(ZeroDivisionError):
        submit(threads, "a", lambda: 1 // 0).result(WAIT)
    assert submit(threads, "a", lambda: 1).result(WAIT) == 1


def test_the_calls_of_a_request_run_one_after_another() -> None:
    """Also if nobody awaits the first any more."""
    threads, blocked = Threads(3), Blocked()

    async def visit() -> None:
        request = Visit(threads, "a", WAIT)
        first = request.submit(blocked.call("piece"))
        blocked.wait_for(1)
        end = request.submit(lambda: blocked.begun.append("end"))
        other = Visit(threads, "b", WAIT).submit(lambda: blocked.begun.append("other"))
        other.result(WAIT)
        assert not end.done()
        blocked.let_go()
        end.result(WAIT)
        assert (first.result(), blocked.begun) == ("piece", ["piece", "other", "end"])
        request.close()

    asyncio.run(visit())


async def _answer(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})


def test_nobody_waits_for_a_thread_without_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "THREAD_TIMEOUT", 0.05)
    blocked = Blocked()

    async def visit() -> None:
        async def answer(_scope: Any, _receive: Any, send: Any) -> None:
            await sync_to_async(blocked.call("request"))()
            await _answer(send)

        application = BoundedApplication(answer)
        visitors = [
            ApplicationCommunicator(application, asked_by(f"10.0.0.{number}"))
            for number in range(THREADS + 1)
        ]
        for visitor in visitors:
            await visitor.send_input({"type": "http.request"})
        refused = await visitors[-1].receive_output(timeout=WAIT)
        assert refused["status"] == 503
        assert dict(refused["headers"])[b"retry-after"].isdigit()
        blocked.let_go()
        again = ApplicationCommunicator(application, asked_by("10.0.0.9"))
        await again.send_input({"type": "http.request"})
        for visitor in (*visitors[:-1], again):
            assert (await visitor.receive_output(timeout=WAIT))["status"] == 200

    asyncio.run(visit())


@pytest.mark.parametrize("trust_proxy", [False, True])
def test_a_client_has_few_requests_under_way(trust_proxy: bool) -> None:
    """Behind a proxy, the proxy's address is that of all clients."""

    async def visit() -> None:
        ended = asyncio.Event()

        async def answer(_scope: Any, _receive: Any, send: Any) -> None:
            await ended.wait()
            await _answer(send)

        application = BoundedApplication(answer, trust_proxy=trust_proxy)

        def ask(client: str) -> ApplicationCommunicator:
            scope = asked_by("127.0.0.1" if trust_proxy else client)
            if trust_proxy:
                scope["headers"] = [(b"x-forwarded-for", f"10.9.9.9, {client}".encode())]
            return ApplicationCommunicator(application, scope)

        flood = [ask("2001:db8::1") for _ in range(REQUESTS_OF_EACH)]
        for visitor in flood:
            await visitor.send_input({"type": "http.request"})
            await asyncio.sleep(0)
        refused, honest = ask("2001:db8::2"), ask("2001:db8:0:1::1")
        assert (await refused.receive_output(timeout=WAIT))["status"] == 429
        await honest.send_input({"type": "http.request"})
        ended.set()
        assert (await honest.receive_output(timeout=WAIT))["status"] == 200
        for visitor in flood:
            assert (await visitor.receive_output(timeout=WAIT))["status"] == 200

    asyncio.run(visit())
