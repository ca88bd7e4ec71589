"""Repeated log lines, folded."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable


class Fold:
    """Folds repeats, so that an hour-long outage is a handful of lines.

    The first few lines of one kind are written as they come. After that one is written when a
    window has passed, with the number of those left out; each window is twice as long as the one
    before. A kind that was quiet for a whole window starts afresh.
    """

    BURST = 3
    FIRST_WINDOW = 60.0  # seconds
    LAST_WINDOW = 3600.0
    MAX_KINDS = 64  # remembered; the one longest unused is forgotten first

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._kinds: OrderedDict[str, _Repeats] = OrderedDict()

    def __call__(
        self,
        level: int,
        kind: str,
        message: str,
        extra: dict[str, object] | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Log `message`, or count it as one more of its `kind`.

        `extra`: see `about`; `error`: its traceback is logged with the message.
        """
        now = self._clock()
        repeats = self._kinds.setdefault(kind, _Repeats(now, self.FIRST_WINDOW))
        self._kinds.move_to_end(kind)
        if len(self._kinds) > self.MAX_KINDS:
            self._kinds.popitem(last=False)
        if now - repeats.last >= repeats.window:
            repeats.restart(now, self.FIRST_WINDOW)
        repeats.last = now
        if repeats.written < self.BURST:
            repeats.written += 1
        elif now - repeats.window_began < repeats.window:
            repeats.left_out += 1
            return
        else:
            minutes = (now - repeats.window_began) / 60
            if repeats.left_out:
                message += f" ({repeats.left_out} more of this in the last {minutes:.0f} min)"
            repeats.window_began, repeats.left_out = now, 0
            repeats.window = min(repeats.window * 2, self.LAST_WINDOW)
        self._log.log(level, "%s", message, exc_info=error, extra=extra, stacklevel=2)


class _Repeats:
    """The repeats of one kind of line."""

    def __init__(self, now: float, window: float) -> None:
        self.restart(now, window)

    def restart(self, now: float, window: float) -> None:
        self.window_began = self.last = now
        self.window = window
        self.written = self.left_out = 0
