"""Asks the database how things are, and never waits long for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

import django.db
from django.db import connections
from django.db.models import Count, Max
from django.utils import timezone

from birdwatcher.health.judgement import Facts, Grade, Verdict, judge
from birdwatcher.nodes.models import Node, NodeStatus
from birdwatcher.writer.models import Daemon
from birdwatcher.writer.session import first_line
from nodeproc.states import NodeState

PATIENCE = 4.0  # seconds, for the database to answer

T = TypeVar("T")


def examine(patience: float = PATIENCE) -> Verdict:
    """Return how things are, after at most twice `patience` seconds, whatever the database does."""
    try:
        return judge(_facts.ask(patience))
    except TimeoutError:
        return Verdict(Grade.CRITICAL, f"no database: no answer within {patience:g} s")
    except django.db.Error as error:
        if _lacks_migrations(error):
            return Verdict(Grade.UNKNOWN, "the database lacks migrations: run ./manage.py migrate")
        return Verdict(Grade.CRITICAL, f"no database: {first_line(error)}")


def read_facts() -> Facts:
    """Return what the database tells. Raises django.db.Error."""
    daemon = Daemon.current()
    enabled = Node.objects.filter(enabled=True).order_by()
    counted = enabled.values_list("status__state").annotate(Count("pk"))
    states: dict[NodeState, int] = {}
    for state, count in counted:
        known = NodeState(state or NodeState.STARTING)
        states[known] = states.get(known, 0) + count
    newest = NodeStatus.objects.aggregate(newest=Max("last_event_at"))["newest"]
    return Facts(timezone.now(), daemon, states, newest)


def _lacks_migrations(error: django.db.Error) -> bool:
    """Whether a table or a column is missing: PostgreSQL's kind of error, SQLite's words."""
    return isinstance(error, django.db.ProgrammingError) or "no such" in str(error)


class Patiently(Generic[T]):
    """Calls what may hang, such as a query to a server that has stopped, in a thread of its own.

    One at a time: while one hangs, whoever asks is only made to wait, and no thread is added.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._free = threading.Lock()

    def ask(self, seconds: float) -> T:
        """Return or raise what the call does. Raises TimeoutError."""
        if not self._free.acquire(timeout=seconds):
            raise TimeoutError
        answer: Future[T] = Future()
        try:
            threading.Thread(target=self._run, args=(answer,), daemon=True).start()
        except RuntimeError:  # no thread can be had
            self._free.release()
            raise TimeoutError from None
        return answer.result(seconds)

    def _run(self, answer: Future[T]) -> None:
        try:
            result = self._call()
        except BaseException as error:
            connections.close_all()
            answer.set_exception(error)
        else:
            connections.close_all()  # this thread's own
            answer.set_result(result)
        finally:
            self._free.release()


_facts = Patiently(read_facts)
