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
        remark = self.take(kind)
        if remark is not None:
            self._log.log(level, "%s%s", message, remark, exc_info=error, extra=extra, stacklevel=2)

    def take(self, kind: str) -> str | None:
        """Return what to add to a line of this `kind`, often nothing; None if it is left out."""
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
            return ""
        if now - repeats.window_began < repeats.window:
            repeats.left_out += 1
            return None
        minutes = (now - repeats.window_began) / 60
        left_out, repeats.left_out = repeats.left_out, 0
        repeats.window_began = now
        repeats.window = min(repeats.window * 2, self.LAST_WINDOW)
        return f" ({left_out} more of this in the last {minutes:.0f} min)" if left_out else ""


class _Repeats:
    """The repeats of one kind of line."""

    def __init__(self, now: float, window: float) -> None:
        self.restart(now, window)

    def restart(self, now: float, window: float) -> None:
        self.window_began = self.last = now
        self.window = window
        self.written = self.left_out = 0
