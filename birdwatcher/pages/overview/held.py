"""Answers that are kept for a moment, so that a crowd of readers costs no more than one."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from django.utils import timezone

KEPT = 5.0  # seconds at most
ZONES = 32  # as many answers are remembered

T = TypeVar("T")


def held(call: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> Callable[[], T]:
    """Return `call`, made to answer from memory for up to `KEPT` seconds in each time zone.

    It must depend on nothing but the time and the active time zone. Django's own cache in memory
    would go by the wall clock, which may be set back, and pickle each answer.
    """

    @lru_cache(maxsize=ZONES)
    def answer(_zone: str, _moment: int) -> T:
        return call()

    return lambda: answer(timezone.get_current_timezone_name(), int(clock() // KEPT))
