"""What the daemon holds at one moment: memory, descriptors, log, rows, files."""

import contextlib
import dataclasses
import time
from collections import Counter
from pathlib import Path

import psutil
from django.apps import apps

from tests.support.daemon import NODE_TITLE, WRITER_TITLE, Daemon
from tests.support.databases import Database
from tests.support.processes import title_of

SUPERVISOR, WRITER, NODE = KINDS = ("supervisor", "writer", "node")
APPS = ("nodes", "birds", "writer")  # whose tables the daemon writes
DATABASE_FILES = ("*.sqlite3*", "secret_key")


@dataclasses.dataclass(frozen=True)
class Figures:
    """One process."""

    kind: str
    uss: int  # bytes of memory that it shares with nobody
    pss: int  # bytes of memory, what it shares being divided among those that share it
    open: Counter[str]  # its descriptors, by what they are open on

    @property
    def descriptors(self) -> int:
        """How many descriptors it has."""
        return self.open.total()


@dataclasses.dataclass(frozen=True)
class Census:
    """The daemon at one moment."""

    at: float  # monotonic seconds
    cycles: int  # of all nodes
    nodes: int
    processes: dict[int, Figures]  # by process id
    log_bytes: int
    rows: dict[str, int]  # by model
    files: int  # bytes in the state directory, beside the database: spools, and what was set aside

    def of(self, kind: str) -> list[Figures]:
        """Return the processes of one kind."""
        return [it for it in self.processes.values() if it.kind == kind]


def take(daemon: Daemon, database: Database, *, cycles: int, nodes: int) -> Census:
    """Count everything now."""
    return Census(
        at=time.monotonic(),
        cycles=cycles,
        nodes=nodes,
        processes=_processes(daemon),
        log_bytes=daemon.output.stat().st_size,
        rows=_rows(),
        files=_files(database.state_dir),
    )


def _processes(daemon: Daemon) -> dict[int, Figures]:
    found = {}
    for process in [daemon.process, *daemon.children()]:
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            memory = process.memory_full_info()
            kind = _kind(daemon, process)
            found[process.pid] = Figures(kind, memory.uss, memory.pss, _open(process.pid))
    return found


def _kind(daemon: Daemon, process: psutil.Process) -> str:
    title = title_of(process)
    if NODE_TITLE.fullmatch(title):
        return NODE
    if process == daemon.process:
        return SUPERVISOR
    return WRITER if WRITER_TITLE.match(title) else "starting"


def _open(pid: int) -> Counter[str]:
    """Count what a process has open: `socket`, `pipe`, `anon_inode`, or the name of a file."""
    found: Counter[str] = Counter()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[path.readlink().name.partition(":")[0]] += 1
    return found


def _rows() -> dict[str, int]:
    models = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    return {model.__name__: model.objects.count() for model in models}


def _files(state_dir: Path) -> int:
    """Return the bytes of all files but the database's."""
    known = {path for pattern in DATABASE_FILES for path in state_dir.glob(pattern)}
    sizes = []
    for path in state_dir.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and path not in known:
                sizes.append(path.stat().st_size)
    return sum(sizes)
