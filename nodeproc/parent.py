"""Notices the death of the parent process."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def watching(parent: int, gone: Callable[[], None]) -> Iterator[None]:
    """Call `gone` if the process `parent` ends inside the block, or has ended already.

    Needs a running event loop.
    """
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(parent)
    except ProcessLookupError:
        gone()
        yield
        return
    loop.add_reader(descriptor, gone)
    if os.getppid() != parent:  # it died before the descriptor was open, and its id was reused
        gone()
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
