"""Answers that are told for a moment to whoever asks, so that a crowd costs no more than one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.utils import timezone

KEPT = 5.0  # seconds

T = TypeVar("T")


class Held(Generic[T]):
    """What a call answers, which depends on nothing but the time and the active time zone.

    Every thread may ask. Those that ask at once while nothing is kept all make the call: of the
    threads that answer requests there are few.
    """

    def __init__(self, call: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._call = call
        self._clock = clock
        self._kept: dict[str, tuple[float, T]] = {}  # by the zone: when it was asked, the answer

    def ask(self) -> T:
        """Return what the call answers, or answered less than `KEPT` seconds ago."""
        zone, now = str(timezone.get_current_timezone()), self._clock()
        asked_at, answer = self._kept.get(zone, (now - KEPT, None))
        if answer is None or now - asked_at >= KEPT:
            answer = self._call()
            # Put in place as a whole: other threads read it meanwhile.
            recent = {it: kept for it, kept in self._kept.items() if now - kept[0] < KEPT}
            self._kept = recent | {zone: (now, answer)}
        return answer
