"""The daemon, and beside it in the supervisor's event loop a heartbeat.

`python -m tests.support.heartbeat` runs until it is stopped and then prints the longest times, in
seconds, in which the loop was held up. Time in which the supervisor was ready to run and the
machine ran something else is not counted: that is the machine's doing (Linux, sched-stats.rst: the
second field of /proc/<pid>/schedstat). What the host of a virtual machine ran, nobody tells.
"""

import asyncio
import heapq
import time
from pathlib import Path

import django
from django.conf import settings

BEAT = 0.002  # seconds
KEPT = 5


def _kept_waiting() -> float:
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


class Heartbeat:
    """Beats in the running loop, and remembers the longest times in which it could not."""

    def __init__(self) -> None:
        self.longest: list[float] = []  # first

    async def beat(self) -> None:
        """Beat until cancelled."""
        while True:
            before, waited = time.monotonic(), _kept_waiting()
            await asyncio.sleep(BEAT)
            held = time.monotonic() - before - BEAT - (_kept_waiting() - waited)
            self.longest = heapq.nlargest(KEPT, [*self.longest, held])


async def _run() -> list[float]:
    from birdwatcher.writer.process import run_writer
    from supervisor.children import freeze
    from supervisor.daemon import Supervisor
    from supervisor.disks import Disks
    from supervisor.lock import lock_state_directory
    from supervisor.settings import DaemonSettings

    freeze()
    heart = Heartbeat()
    beating = asyncio.create_task(heart.beat())
    directory = settings.BIRDWATCHER.state_dir
    daemon, lock = DaemonSettings(), lock_state_directory(directory)
    disks = Disks({"state": directory})
    await Supervisor(run_writer, daemon, directory, disks, lock, lambda: daemon).run()
    beating.cancel()
    return heart.longest


if __name__ == "__main__":
    django.setup()
    print("longest", *(f"{held:.6f}" for held in asyncio.run(_run())), flush=True)  # noqa: T201
