"""How soon the writer commits again: at once, unless so much comes singly that it should gather.

A commit costs little more for twenty events than for one. While few arrive, each is committed at
once. While hundreds a second do, from as many nodes, commits begin at least `GATHERING` apart, as
with PostgreSQL's commit_delay and commit_siblings: a fraction of the work, for an event that is
visible some milliseconds later. Under a flood a commit takes longer than that anyway.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

GATHERING = 0.05  # seconds between the beginnings of two commits, while it is busy
BUSY = 200.0  # frames a second from which on it is
MEMORY = 0.1  # seconds over which that is averaged


class Pace:
    """Measures what arrives, and says how long the next commit may wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_at = -math.inf  # the last commit
        self._recent = 0.0  # frames, each the less the longer ago it was committed

    def committing(self, frames: int) -> None:
        """A commit of so many frames begins."""
        now = self._clock()
        self._recent = self._recent * math.exp((self._began_at - now) / MEMORY) + frames
        self._began_at = now

    def wait(self) -> float:
        """Return for how many seconds more frames should be let gather; 0 if not at all."""
        left = self._began_at + GATHERING - self._clock()
        return left if left > 0 and self._recent > BUSY * MEMORY else 0.0
