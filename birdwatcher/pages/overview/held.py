"""Answers that are kept for a moment, so that a crowd of readers costs no more than one."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.utils import timezone

from birdwatcher.common.database.troubles import TookTooLongError

KEPT = 5.0  # seconds for which an answer is given again
KEPT_BESIDE = 60.0  # seconds for which it is also given while another reader computes the next one
PATIENCE = 8.0  # seconds for which a reader waits for another one, without any such answer
ZONES = 32  # as many answers are remembered

T = TypeVar("T")


@dataclass
class _Slot(Generic[T]):
    """The last answer in one time zone, and the turn to compute the next one."""

    answer: T | None = None
    made_at: float = -KEPT_BESIDE - 1  # when its computation began
    turn: threading.Lock = field(default_factory=threading.Lock)


def held(call: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> Callable[[], T]:
    """Return `call`, made to answer from memory for up to `KEPT` seconds in each time zone.

    One reader at a time computes: the others get the answer before it, up to `KEPT_BESIDE` seconds
    old, or wait for the next. What is returned raises TookTooLongError after `PATIENCE`, and what
    `call` raises. It must depend on nothing but the time and the active time zone. Django's own
    cache in memory would go by the wall clock, which may be set back, and pickle each answer.
    """
    slots: OrderedDict[str, _Slot[T]] = OrderedDict()
    lock = threading.Lock()

    def slot_of(zone: str) -> _Slot[T]:
        with lock:
            slot = slots.setdefault(zone, _Slot(made_at=clock() - KEPT_BESIDE - 1))
            slots.move_to_end(zone)
            if len(slots) > ZONES:
                slots.popitem(last=False)
            return slot

    def answer() -> T:
        slot = slot_of(timezone.get_current_timezone_name())
        age = clock() - slot.made_at
        if age < KEPT:
            return slot.answer  # type: ignore[return-value] it was made
        patience = 0.0 if age < KEPT_BESIDE else PATIENCE
        if not slot.turn.acquire(timeout=patience):
            if patience:
                raise TookTooLongError
            return slot.answer  # type: ignore[return-value] it was made
        try:
            if clock() - slot.made_at >= KEPT:  # nobody has made it meanwhile
                began = clock()
                slot.answer, slot.made_at = call(), began
            return slot.answer  # type: ignore[return-value] it was made
        finally:
            slot.turn.release()

    return answer
