"""The daemon under a profiler, each kind of process on its own.

`python -m tests.benchmarks.profiled DIRECTORY` is `./manage.py connectnodes`, but every process
leaves its profile in the directory when it ends: `supervisor`, `writer`, `node-<process id>`.
"""

import cProfile
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

Function = Callable[..., Any]


def profiled(
    function: Function, path: Callable[[], Path], outer: list[cProfile.Profile]
) -> Function:
    """Return `function`, profiled; what it inherited of its parent's profiler is switched off."""

    def run(*arguments: Any) -> Any:
        while outer:
            outer.pop().disable()
        profiler = cProfile.Profile(time.process_time)  # waiting does not count
        outer.append(profiler)
        try:
            return profiler.runcall(function, *arguments)
        finally:
            profiler.dump_stats(path())

    return run


def main(directory: Path) -> None:
    """Be the daemon."""
    from birdwatcher.writer.management.commands import connectnodes
    from supervisor import fleet

    running: list[cProfile.Profile] = []
    for module, name, file in (
        (fleet, "run_node", lambda: directory / f"node-{os.getpid()}"),
        (connectnodes, "run_writer", lambda: directory / "writer"),
        (connectnodes, "run_daemon", lambda: directory / "supervisor"),
    ):
        setattr(module, name, profiled(getattr(module, name), file, running))
    call_command("connectnodes")


if __name__ == "__main__":
    django.setup()
    main(Path(sys.argv[1]))
