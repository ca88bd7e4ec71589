"""Refuse clients that ask too often (see `accounts.rate_limit`) or too much at once."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from birdwatcher.accounts import rate_limit
from birdwatcher.accounts.askers import asker
from birdwatcher.api.refusals import TooManyError

AT_ONCE = 2  # of one asker in this process: half of its threads


class Throttle(BaseThrottle):
    """Count each request against the allowance of its token, user or address."""

    def allow_request(self, request: Request, view: object) -> bool:
        """Return whether to answer the request. Raises django.db.Error."""
        return rate_limit.take(*asker(request, request.auth))

    def wait(self) -> float:
        """Return the seconds to wait before the next request."""
        return rate_limit.wait()


class Turns:
    """Expensive requests under way in this process, by asker; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def of(self, who: str) -> Iterator[None]:
        """Count one more of `who` inside the block. Raises TooManyError after `AT_ONCE`."""
        with self._lock:
            if self._under_way[who] >= AT_ONCE:
                raise TooManyError(f"{AT_ONCE} such requests of yours are being answered: wait.")
            self._under_way[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[who] -= 1
                if not self._under_way[who]:
                    del self._under_way[who]
