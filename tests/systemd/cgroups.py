"""The control groups in which the machines run, one in every hierarchy that systemd wants.

Both layouts are known: cgroup v2 alone, and the hybrid one, with the old hierarchies beside it.
"""

import contextlib
import os
import re
import time
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
# Those of the hybrid layout. Not cpuset: a group without processors of its own takes no process.
V1 = ("memory", "pids", "cpu", "cpuacct", "cpu,cpuacct", "devices", "blkio", "freezer")
HIERARCHIES = frozenset({"unified", "systemd", *V1})
REMOVING = 5.0  # seconds for the last process of a dead machine to leave its group

_NAME = re.compile(r"birdwatcher-test-(\d+)-\d+")


def roots() -> list[Path]:
    """Return the hierarchies' directories, none if the layout is neither of the two."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    if not ((CGROUPS / "unified").is_dir() and (CGROUPS / "systemd").is_dir()):
        return []
    directories = [path for path in CGROUPS.iterdir() if not path.is_symlink()]
    return [path for path in directories if path.name in HIERARCHIES]


def name(number: int) -> str:
    """Return the name of this process's machine with this number."""
    return f"birdwatcher-test-{os.getpid()}-{number}"


def make(name: str) -> None:
    """Make the control group of this name in every hierarchy."""
    for root in roots():
        (root / name).mkdir()


def remove(name: str) -> None:
    """Remove it, and everything below it; nobody is in it any more, or soon."""
    deadline = time.monotonic() + REMOVING
    while not _removed(name) and time.monotonic() < deadline:
        time.sleep(0.02)


def sweep() -> None:
    """Remove what killed test runs have left."""
    for directory in [path for root in roots() for path in root.iterdir()]:
        match = _NAME.fullmatch(directory.name)
        if match and not Path("/proc", match[1]).exists():
            _removed(directory.name)


def _removed(name: str) -> bool:
    for root in roots():
        groups = [directory for directory, _, _ in os.walk(root / name, topdown=False)]
        for group in groups:
            with contextlib.suppress(OSError):
                Path(group).rmdir()
    return not any((root / name).exists() for root in roots())
