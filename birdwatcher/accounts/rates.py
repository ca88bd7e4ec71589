"""How often one may ask in a minute: each token, each user who is logged in, each address.

All web processes share one allowance without asking the database for each request: a process takes
a share of it, one part in `SHARES`, and goes on with that until it is used up. So nobody ever gets
more than the whole, and the database is written to some `SHARES` times a minute for each who asks.
What one process has taken and not used when the others run out is lost: with as many processes as
usual, a few hundredths. Minutes are those of the clock.

Nobody waits long to be counted. While no share can be taken, because somebody writes all the time
or the database is away, a process takes shares out of its own head: then each grants the whole at
most.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

from django.db import OperationalError, connection

from birdwatcher.accounts.models import Allowance
from birdwatcher.common.database import engine

MINUTE = 60  # seconds
SHARES = 20
TIDIED = 100  # old rows that go with each share

GRANT = """
    INSERT INTO api_allowance (who, minute, granted) VALUES (%s, %s, %s)
    ON CONFLICT (who, minute) DO UPDATE SET granted = api_allowance.granted + EXCLUDED.granted
    RETURNING granted
"""


class Grants:
    """What this process may still grant to each in the current minute; for many threads."""

    def __init__(self, share: Callable[[str, int, int], int]) -> None:
        """`share(who, rate, minute)` takes a share for this process, 0 if there is no more."""
        self._share = share
        self._lock = threading.Lock()
        self._minute = 0
        self._left: dict[str, int] = {}
        self._refused: set[str] = set()  # of whose minute nothing is left anywhere
        self._lent: Counter[str] = Counter()  # what was granted without a share

    def take(self, who: str, rate: int, minute: int) -> bool:
        """Whether one request more of `who` is granted. Raises django.db.Error."""
        with self._lock:
            if minute != self._minute:
                self._minute, self._left, self._refused = minute, {}, set()
                self._lent.clear()
            left = self._left.get(who, 0)
            if left:
                self._left[who] = left - 1
            if left or who in self._refused:
                return bool(left)
        # Not under the lock, because the database may take its time.
        try:
            share = self._share(who, rate, minute)
        except OperationalError:
            share = self._lend(who, rate)
        with self._lock:
            if minute == self._minute and share:
                self._left[who] = self._left.get(who, 0) + share - 1
            elif minute == self._minute:
                self._refused.add(who)
        return share > 0

    def _lend(self, who: str, rate: int) -> int:
        with self._lock:
            lent = min(share_of(rate), rate - self._lent[who])
            self._lent[who] += lent
            return lent


def share_of(rate: int) -> int:
    """Return how much of the whole is taken at a time."""
    return max(1, rate // SHARES)


def take_share(who: str, rate: int, minute: int) -> int:
    """Take a share of what `who` may ask, and return it: 0 if all of it is taken.

    Raises django.db.Error; among them OperationalError if others keep it waiting.
    """
    wanted = share_of(rate)
    with engine().briefly():
        with connection.cursor() as cursor:
            cursor.execute(GRANT, [who, minute, wanted])
            granted = cursor.fetchone()[0]
        old = Allowance.objects.filter(minute__lt=minute - 1).order_by("minute")
        keys = list(old.values_list("pk", flat=True)[:TIDIED])
        if keys:
            Allowance.objects.filter(pk__in=keys).delete()
    return max(0, min(wanted, rate - (granted - wanted)))


class RateLimit:
    """The one allowance for requests over HTTP and for WebSockets."""

    grants = Grants(take_share)
    clock = staticmethod(time.time)

    @classmethod
    def take(cls, who: str, rate: int) -> bool:
        """Whether one request more of `who` is granted. Raises django.db.Error."""
        return cls.grants.take(who, rate, int(cls.clock()) // MINUTE)

    @classmethod
    def wait(cls) -> float:
        """Return the seconds until one may ask again."""
        return MINUTE - cls.clock() % MINUTE + 1
