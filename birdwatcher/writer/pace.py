"""When the next commit may begin: at once, unless many single frames arrive.

A commit costs little more for twenty events than for one. While few arrive, each is committed at
once. While hundreds of frames a second arrive, from as many nodes, commits begin at least
`GATHERING` apart, as with PostgreSQL's commit_delay and commit_siblings: a fraction of the work,
and an event is visible some milliseconds later. Under a flood a commit takes longer than that
anyway.
"""

import math
import time
from collections.abc import Callable

GATHERING = 0.05  # seconds between the beginnings of two commits, while it is busy
BUSY = 200.0  # frames a second
MEMORY = 0.1  # seconds over which the rate is averaged


class Pace:
    """Measures how many frames arrive, and for how long the next commit waits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_at = -math.inf  # the last commit
        self._recent = 0.0  # frames, each of which weighs less the longer ago it came

    def committing(self, frames: int) -> None:
        """Note that a commit of this many frames begins."""
        now = self._clock()
        self._recent = self._recent * math.exp((self._began_at - now) / MEMORY) + frames
        self._began_at = now

    def wait(self) -> float:
        """Return for how many seconds frames should gather before the next commit, perhaps 0."""
        left = self._began_at + GATHERING - self._clock()
        return left if left > 0 and self._recent > BUSY * MEMORY else 0.0
