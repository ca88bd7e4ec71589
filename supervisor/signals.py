"""The supervisor's signals: stop, stop at once, reload; and the alarm that shows where it hangs.

Handlers set with the event loop run as ordinary callbacks of the loop, never in the middle of
something, and interrupt no system call.
"""

import asyncio
import faulthandler
import os
import signal
from collections.abc import Callable

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def on_stop_signal(stop: Callable[[str], None], hurry: Callable[[], None]) -> None:
    """Call `stop(name)` at the first SIGTERM or SIGINT and `hurry()` at each later one."""
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


def on_hangup(reload: Callable[[], None], terminal_gone: Callable[[], None]) -> None:
    """Call `reload()` at SIGHUP, but `terminal_gone()` if the terminal was closed.

    One that came since `manage.py` began was kept, and is acted on now.
    """
    in_terminal = _has_terminal()

    def handle() -> None:
        if in_terminal and not _has_terminal():
            terminal_gone()
        else:
            reload()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, handle)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def block_signals() -> None:
    """Block the signals at the very end: asyncio closes its end of the signals' pipe before it
    removes its handlers, and a signal in between would be an error in the log."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (*STOP_SIGNALS, signal.SIGHUP))


def show_where_it_crashes() -> None:
    """Write a traceback to standard error when this process, or a child, dies of its own fault."""
    faulthandler.enable(all_threads=False)
    faulthandler.register(signal.SIGALRM, all_threads=False)


def show_where_it_hangs(seconds: float) -> None:
    """Write a traceback to standard error unless this is called again within `seconds`.

    An alarm of the kernel, which a forked child does not inherit, and a handler in C: it works
    even when no Python code runs any more, and needs no thread.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)
