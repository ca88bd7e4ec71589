"""What the process of the tests, of the benchmarks and of the pictures begins with."""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

import django

from tests.support.databases import environment
from tests.support.processes import adopt_orphans


def set_up(name: str) -> Path:
    """Set Django up on a database that nobody uses, and find every orphan from now on.

    Returns a directory called after `name`, which is removed at the end.
    """
    adopt_orphans()
    # Whoever ends this with SIGTERM wants the servers ended and removed as after a Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    directory = Path(tempfile.mkdtemp(prefix=f"bw-{name}-"))
    # However this process ends in good order: as a pytest of its own or as another one's worker.
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.environ.update(environment(f"sqlite:///{directory}/unused", directory))
    os.environ["DJANGO_SETTINGS_MODULE"] = "birdwatcher.settings"
    django.setup()
    return directory
