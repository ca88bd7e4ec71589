"""How long to wait before the next try: exponential back-off with full jitter.

After "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): the delay is drawn evenly
from the whole range up to min(cap, base * 2 ** tries), so that many clients of one failed peer
spread out by themselves. The range begins at half the base and not at 0, so that a
peer that refuses is not hammered.
"""

import random
import time
from collections.abc import Callable


class Backoff:
    """The delays between the tries of one thing that keeps failing.

    A try that lasted at least `stable` seconds counts as a success: the next delay is short again.
    """

    def __init__(
        self,
        *,
        base: float,
        cap: float,
        stable: float,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """All times in seconds. Tests replace `clock` and `uniform`."""
        self.base = base
        self.cap = cap
        self._stable = stable
        self._clock = clock
        self._uniform = uniform
        self._succeeded_at: float | None = None
        self.tries = 0  # that failed in a row

    def succeeded(self) -> None:
        """Take note that the attempt succeeded, now."""
        self._succeeded_at = self._clock()

    def failed(self) -> float:
        """Take note that it failed, or works no longer; return the seconds to wait."""
        since, self._succeeded_at = self._succeeded_at, None
        if since is not None and self._clock() - since >= self._stable:
            self.tries = 0
        # Bound the exponent too: 2.0 to the power of a million tries is no float.
        ceiling = min(self.cap, self.base * 2.0 ** min(self.tries, 60))
        self.tries += 1
        return self._uniform(self.base / 2, max(ceiling, self.base))
