"""The supervisor's signals: the first asks it to stop, the second to stop at once.

Handlers set with the event loop run as ordinary callbacks of the loop, never in the middle of
something, and interrupt no system call.
"""

import asyncio
import signal
from collections.abc import Callable

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def on_stop_signal(stop: Callable[[str], None], hurry: Callable[[], None]) -> None:
    """Call `stop(name)` at the first SIGTERM, SIGINT or SIGHUP and `hurry()` at each later one."""
    loop = asyncio.get_running_loop()
    received = 0

    def handle(number: signal.Signals) -> None:
        nonlocal received
        received += 1
        if received == 1:
            stop(number.name)
        else:
            hurry()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, handle, number)


def block_stop_signals() -> None:
    """At the very end: asyncio closes its end of the signals' pipe before it takes its handlers
    away, and a signal in between would be an error in the log."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
