"""What the kernel knows of processes: the time they ran, the memory they take."""

import contextlib
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

NANOSECONDS = 1e9


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return how long these processes have run, all together; those that are gone count nothing.

    From schedstat, to the nanosecond: what psutil tells is in hundredths of a second, of which a
    thousand processes lose a thousand.
    """
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
    return total / NANOSECONDS


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def kib(pid: int, what: str) -> int:
    """Return `Pss` or `Rss` of a process, in KiB (proc(5), smaps_rollup)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == what:
            return int(value.split()[0])
    raise KeyError(what)


def mean_kib(pids: Sequence[int], what: str) -> float:
    """Return the mean of `kib` over these processes."""
    return statistics.fmean(kib(pid, what) for pid in pids)


def machine() -> dict[str, str]:
    """Describe what this runs on."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processors": f"{os.cpu_count()} x {models[0] if models else platform.processor()}",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load at the start": " ".join(f"{value:.2f}" for value in os.getloadavg()),
    }
