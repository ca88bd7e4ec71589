"""What costs much: a few at a time of each who asks, so that the others find a thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from birdwatcher.api.errors import TooManyError

AT_ONCE = 2  # of one who asks, in this process: half of its threads


class Turns:
    """Who has how many under way in this process; for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def of(self, who: str) -> Iterator[None]:
        """Do one more for `who`. Raises TooManyError if `AT_ONCE` are under way."""
        with self._lock:
            if self._under_way[who] >= AT_ONCE:
                raise TooManyError(f"{AT_ONCE} such questions of yours are being answered: wait.")
            self._under_way[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[who] -= 1
                if not self._under_way[who]:
                    del self._under_way[who]
