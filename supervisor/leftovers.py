"""What node processes left on the disk, and nobody looks after: spools, and files set aside."""

import logging
import time
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from nodeproc.delivery import spool_v1
from nodeproc.delivery.aside import DAY, Aside, Why, listed, set_aside, too_many
from nodeproc.delivery.directory import spooled
from nodeproc.delivery.spoolfile import spool_path
from nodeproc.limits import NodeLimits
from nodeproc.logs.fold import Fold
from nodeproc.wire.messages import NodeSpec
from nodeproc.wire.subjects import Origin, Subject

log = logging.getLogger("birdwatcher.supervisor")


class Leftovers:
    """Finds the spools that have to be replayed, sets aside those of nodes without a row, offers
    these to nodes that come back, and removes what is kept no longer."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fold = Fold(log)
        self._files: list[Aside] = []
        self._offered: set[tuple[str, NodeSpec]] = set()  # name of a file, and to whom
        self._missing: dict[Origin, float] = {}  # spools of nodes without a row; monotonic, since

    @property
    def missing(self) -> int:
        """How many nodes have a spool and no row."""
        return len(self._missing)

    def survey(
        self, rows: Mapping[int, NodeSpec], busy: Container[int], limits: NodeLimits
    ) -> Iterator[NodeSpec]:
        """Yield the nodes, of those that are not `busy`, that need a process for what they left.

        Raises OSError.
        """
        origins = [it for it in spooled(self._directory) if it.subject == Subject.NODES]
        lost = [it for it in origins if it.id not in rows and it.id not in busy]
        self._note_missing(lost)
        for origin in self._overdue(limits.vanished_wait):
            self._set_aside(origin, limits)
        self._files = listed(self._directory)
        self._remove(limits)
        waiting = {it.id for it in origins}
        waiting |= {
            it.origin.id for it in self._files if it.origin.id in rows and self._new(it, rows)
        }
        for number in sorted(waiting & rows.keys()):
            if number not in busy:
                yield rows[number]

    def offer(self, node: NodeSpec) -> tuple[str, ...]:
        """Return the names of files that may be earlier spools of `node`; once, for they may turn
        out to be another's."""
        found = [
            it for it in self._files if it.origin == node.origin and self._new(it, {node.id: node})
        ]
        names = tuple(it.name for it in found)
        self._offered.update((name, node) for name in names)
        return names

    def _new(self, file: Aside, rows: Mapping[int, NodeSpec]) -> bool:
        return file.why is Why.GONE and (file.name, rows[file.origin.id]) not in self._offered

    def _note_missing(self, lost: list[Origin]) -> None:
        now = time.monotonic()
        new = [it for it in lost if it not in self._missing]
        if new:
            text = "spools of nodes that have no row: %s; they are kept until the nodes come back"
            log.warning(text, ", ".join(map(str, new[:10])) + (" …" if len(new) > 10 else ""))
        self._missing = {it: self._missing.get(it, now) for it in lost}

    def _overdue(self, patience: float) -> list[Origin]:
        now = time.monotonic()
        return [it for it, since in self._missing.items() if now - since >= patience]

    def _set_aside(self, origin: Origin, limits: NodeLimits) -> None:
        paths = spool_v1.path_v1(self._directory, origin), spool_path(self._directory, origin)
        for path in paths:
            try:
                name = set_aside(path, origin, Why.GONE)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._complain(path, "set aside", error)
                continue
            log.warning(
                "node=%d has no row: its spool is set aside as %s, taken up if the node comes back"
                " within %g days, and then removed; see ./manage.py spool --aside",
                origin.id, name, limits.aside_days,
            )  # fmt: skip
        del self._missing[origin]

    def _remove(self, limits: NodeLimits) -> None:
        for it, why in list(too_many(self._files, limits)):
            path = self._directory / it.name
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                self._complain(path, "removed", error)
                continue
            self._files.remove(it)
            days = it.age / DAY
            log.warning("%s, %d bytes, %.1f days old, is removed: %s", it.name, it.size, days, why)

    def _complain(self, path: Path, act: str, error: OSError) -> None:
        why = f"{path} cannot be {act}: {error.strerror}"
        self._fold(logging.ERROR, why, f"{why}; it is tried again")
