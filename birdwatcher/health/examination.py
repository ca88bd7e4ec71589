"""Examine the state by the database, and never wait long for it."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

import django.db
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.models import Count, Max, Sum
from django.utils import timezone

from birdwatcher.birds.models import NewSpecies
from birdwatcher.common.database import engine, first_line
from birdwatcher.common.database.troubles import Trouble, trouble_of
from birdwatcher.daemon.models import Daemon, Standby, now_of
from birdwatcher.health.judgement import Facts, Grade, SetAside, Verdict, judge
from birdwatcher.nodes.models import Node, NodeStatus
from nodeproc.states import NodeState

PATIENCE = 4.0  # seconds for the database to answer
ONCE_LATE = 0.5  # likewise, after it was late; the query is sent all the same
KEPT = 1.0  # seconds that an answer is reused

T = TypeVar("T")


def examine() -> Verdict:
    """Return the verdict, at most a second old, within `PATIENCE` seconds, whatever the database
    does."""
    try:
        return judge(_facts.ask())
    except TimeoutError:
        return Verdict(Grade.CRITICAL, f"no database: no answer within {PATIENCE:g} s")
    except ImproperlyConfigured as error:
        return Verdict(Grade.CRITICAL, str(error))
    except django.db.Error as error:
        if trouble_of(error) is Trouble.UNMIGRATED:
            return Verdict(Grade.UNKNOWN, "the database lacks migrations: run ./manage.py migrate")
        return Verdict(Grade.CRITICAL, f"no database: {first_line(error)}")


def is_silent() -> bool:
    """Return whether the database does not answer a small question within `PATIENCE` seconds."""
    try:
        _facts.ask()
    except (TimeoutError, django.db.Error):
        return True
    return False


def read_facts() -> Facts:
    """Return the facts in the database. Raises django.db.Error."""
    daemon = Daemon.current()
    enabled = Node.objects.filter(enabled=True).order_by()
    counted = enabled.values_list("status__state").annotate(Count("pk"))
    states: dict[NodeState, int] = {}
    for state, count in counted:
        known = NodeState(state or NodeState.STARTING)
        states[known] = states.get(known, 0) + count
    newest = NodeStatus.objects.aggregate(newest=Max("last_event_at"))["newest"]
    now = engine().now()
    ahead = (timezone.now() - now).total_seconds()
    standing_by = [(it, now - it.since) for it in Standby.waiting(now)]
    waiting = NewSpecies.objects.filter(events__gt=0)
    aside = SetAside(**waiting.aggregate(events=Sum("events", default=0), nodes=Count("pk")))
    return Facts(
        now_of(daemon), daemon, states, newest, standing_by, socket.gethostname(), aside, ahead
    )


class Patiently(Generic[T]):
    """Call a function that may hang, such as a query to a stopped server, in its own thread.

    One call runs at a time, and its answer is reused for a moment, so that a crowd adds no threads
    or database sessions. While a call hangs, only callers that ask soon after it began wait long,
    so that the threads of a web server stay free. The thread is a daemon, not one of an executor:
    it must not keep the process from ending.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._answer: Future[T] | None = None
        self._asked_at = 0.0  # when its call began, monotonic
        self._was_late = False  # whether the last call that ended was late

    def ask(self) -> T:
        """Return or raise what the call does. Raises TimeoutError after `PATIENCE`."""
        with self._lock:
            now = time.monotonic()
            if self._answer is None or (self._answer.done() and now - self._asked_at >= KEPT):
                self._asked_at, self._answer = now, self._begin()
            answer, patience = self._answer, ONCE_LATE if self._was_late else PATIENCE
            deadline = self._asked_at + patience
        return answer.result(max(deadline - now, 0.0))

    def _begin(self) -> Future[T]:
        answer: Future[T] = Future()
        try:
            threading.Thread(target=self._run, args=(answer,), daemon=True).start()
        except RuntimeError:  # no thread can be started
            raise TimeoutError from None
        return answer

    def _run(self, answer: Future[T]) -> None:
        try:
            result = self._call()
        except BaseException as error:
            self._finish()
            answer.set_exception(error)
        else:
            self._finish()
            answer.set_result(result)

    def _finish(self) -> None:
        connections.close_all()  # those of this thread
        self._was_late = time.monotonic() - self._asked_at >= PATIENCE


_facts = Patiently(read_facts)
