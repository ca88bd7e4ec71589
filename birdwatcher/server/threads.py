"""The threads that answer requests, in turn for the clients that ask.

What one must know to change this file:

- A thread is taken for one call, such as making an answer or one piece of a file, and not while the
  client takes it: a client who reads slowly holds no thread.
- The next call is that of the client with the fewest calls under way, and among those of the one
  who has waited the longest. No client has all threads. So a client with many requests delays
  others by about one call.
- The thread that was used last is the first to be used again: its database connection is the least
  likely to have been closed meanwhile.
- The calls of one request run one after another, perhaps in different threads: when a client has
  left, the end of its file must wait until the piece is made that nobody awaits any more. Django
  keeps a database connection for each thread, so each call must begin by checking that of its own.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple


class NoThreadError(Exception):
    """No thread was free in time."""


class Call(NamedTuple):
    """What to run, and the future of its result."""

    future: Future[Any]
    run: Callable[[], Any]


class Threads:
    """A number of threads, which are started when they are needed and stay."""

    def __init__(self, number: int) -> None:
        self._idle = [ThreadPoolExecutor(1, thread_name_prefix="request") for _ in range(number)]
        self._of_each = max(number - 1, 1)
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[Call]] = {}  # the client who has waited longest is first

    def submit(self, client: str, call: Call) -> None:
        """Run `call` in a thread, in turn for `client`."""
        with self._lock:
            if self._idle and self._running[client] < self._of_each:
                self._running[client] += 1
                thread = self._idle.pop()
                thread.submit(self._work, thread, client, call)
            else:
                self._waiting.setdefault(client, deque()).append(call)

    def give_up(self, client: str, future: Future[Any]) -> None:
        """Have a call that still waits fail with NoThreadError."""
        with self._lock:
            waiting = self._waiting.get(client, deque())
            for call in waiting:
                if call.future is future:
                    waiting.remove(call)
                    break
            else:
                return
            if not waiting:
                del self._waiting[client]
        if future.set_running_or_notify_cancel():
            future.set_exception(NoThreadError())

    def _work(self, thread: ThreadPoolExecutor, client: str, call: Call) -> None:
        """Do one call after another until none waits that may have this thread."""
        following: tuple[str, Call] | None = (client, call)
        while following:
            client, call = following
            _do(call)
            del call, following  # not to keep an answer while nothing follows
            with self._lock:
                self._running[client] -= 1
                if not self._running[client]:
                    del self._running[client]
                following = self._next()
                if following is None:
                    self._idle.append(thread)

    def _next(self) -> tuple[str, Call] | None:
        """Take the call whose turn it is, if there is one."""
        may = [client for client in self._waiting if self._running[client] < self._of_each]
        if not may:
            return None
        client = min(may, key=self._running.__getitem__)  # of equal ones the first
        calls = self._waiting.pop(client)
        call = calls.popleft()
        if calls:
            self._waiting[client] = calls
        self._running[client] += 1
        return client, call


def _do(call: Call) -> None:
    if not call.future.set_running_or_notify_cancel():
        return
    try:
        result = call.run()
    except BaseException as error:
        call.future.set_exception(error)
    else:
        call.future.set_result(result)


class Visit(Executor):
    """The calls of one request, as asgiref's ThreadSensitiveContext takes them.

    The first of them fails with NoThreadError if it has no thread within `timeout` seconds.
    """

    def __init__(self, threads: Threads, client: str, timeout: float) -> None:
        self._threads, self._client, self._timeout = threads, client, timeout
        self._timer: asyncio.TimerHandle | None = None
        self._last: Future[Any] | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have `fn` called in a thread, after the calls before. In the event loop."""
        call = Call(Future(), partial(fn, *args, **kwargs))
        before, self._last = self._last, call.future
        if before is None:
            self._threads.submit(self._client, call)
            give_up = partial(self._threads.give_up, self._client, call.future)
            self._timer = asyncio.get_running_loop().call_later(self._timeout, give_up)
        else:
            before.add_done_callback(lambda _: self._threads.submit(self._client, call))
        return call.future

    def close(self) -> None:
        """Forget the first call, which has ended."""
        if self._timer:
            self._timer.cancel()
