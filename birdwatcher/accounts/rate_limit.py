"""The limit of requests a minute, for each token, each user who is logged in, each address.

All web processes share one allowance without a query for each request: a process takes a share of
it, one part in `SHARES`, and grants requests from that until it is used up. So the whole is never
exceeded, and the database is written about `SHARES` times a minute for each asker. What a process
has taken and not used when the others run out is lost: a few per cent with the usual number of
processes. Minutes are those of the clock.

No request waits long to be counted. While no share can be taken, because another transaction holds
the lock or the database is away, a process grants shares by itself, at most the whole allowance.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable

from django.db import OperationalError

from birdwatcher.accounts.models import Allowance
from birdwatcher.common.database import engine
from birdwatcher.common.database.tables import execute

MINUTE = 60  # seconds
SHARES = 20
# Minutes that rows are kept: another host may have a clock that is behind, and counts in them.
KEPT = 10
TIDIED = 100  # old rows that are deleted with each share

GRANT = """
    INSERT INTO api_allowance (who, minute, granted) VALUES (%s, %s, %s)
    ON CONFLICT (who, minute) DO UPDATE SET granted = api_allowance.granted + EXCLUDED.granted
    RETURNING granted
"""


class Grants:
    """What this process may still grant to each asker in the current minute; thread-safe."""

    def __init__(self, share: Callable[[str, int, int], int]) -> None:
        """`share(who, rate, minute)` takes a share for this process; it returns 0 at the end."""
        self._share = share
        self._lock = threading.Lock()
        self._minute = 0
        self._left: dict[str, int] = {}
        self._refused: set[str] = set()  # askers whose allowance is used up everywhere
        self._lent: Counter[str] = Counter()  # granted without a share

    def take(self, who: str, rate: int, minute: int) -> bool:
        """Return whether `who` is granted one more request. Raises django.db.Error."""
        with self._lock:
            if minute != self._minute:
                self._minute, self._left, self._refused = minute, {}, set()
                self._lent.clear()
            left = self._left.get(who, 0)
            if left:
                self._left[who] = left - 1
            if left or who in self._refused:
                return bool(left)
        # Outside the lock, because the database may be slow.
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
    """Return the size of one share of `rate`."""
    return max(1, rate // SHARES)


def take_share(who: str, rate: int, minute: int) -> int:
    """Take a share of the requests of `who` in `minute`, and return its size: 0 if none is left.

    Raises django.db.Error: among them OperationalError if a lock is not free in time.
    """
    wanted = share_of(rate)
    with engine().briefly():
        ((granted,),) = execute(GRANT, who, minute, wanted)
        old = Allowance.objects.filter(minute__lt=minute - KEPT).order_by("minute")
        keys = list(old.values_list("pk", flat=True)[:TIDIED])
        if keys:
            Allowance.objects.filter(pk__in=keys).delete()
    return max(0, min(wanted, rate - (granted - wanted)))


# One allowance for requests over HTTP and for new WebSockets.
grants = Grants(take_share)
clock = time.time


def take(who: str, rate: int) -> bool:
    """Return whether `who` is granted one more request. Raises django.db.Error."""
    return grants.take(who, rate, int(clock()) // MINUTE)


def wait() -> float:
    """Return the seconds until the next minute begins."""
    return MINUTE - clock() % MINUTE + 1
