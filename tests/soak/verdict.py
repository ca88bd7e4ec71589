"""Whether what was counted is flat: from the counts alone, so that tests can make them up.

What is compared are counts taken in a calm, with every node connected: then what is open and held
is the same as long as nothing leaks. What a process takes in the first half of its life is its
warm-up: it fills its caches, and uses for the first time what it has.
"""

import functools
import operator
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.soak.census import NODE, SUPERVISOR, WRITER, Census

KIB = 1024

# Memory that a process may grow by: once, and in every thousand cycles that it serves: a node's
# process those of its node, the two others those of all nodes. Once: pages that the allocator
# keeps, or that were shared until something was written to them; a node's first spool, and the
# caches of the writer's database driver. A leak of one small object in every cycle is a hundred
# KiB in a thousand.
ONCE = {SUPERVISOR: 1024 * KIB, NODE: 1024 * KIB, WRITER: 4096 * KIB}
PER_1000 = {SUPERVISOR: 4 * KIB, NODE: 16 * KIB, WRITER: 16 * KIB}
# Log: a handful of lines for each of a dozen ways to fail, then one of each an hour; with a process
# that begins, all of it again.
LOG_PER_PROCESS = 16 * KIB
LOG_PER_NODE_AND_HOUR = 32 * KIB

CENSUSES = 3  # that a verdict takes: a warm-up, a middle and a last


def complaints(calm: Sequence[Census], *, kept: dict[str, int], begun: int) -> list[str]:
    """Return what is not flat.

    `calm`: the counts, in order. `kept`: how many rows of a model are kept for each node. `begun`:
    how many processes of nodes ever began.
    """
    if len(calm) < CENSUSES:
        return [f"{len(calm)} counts are too few for a verdict"]
    return [
        *_descriptors(calm[1:]),
        *_memory(calm),
        *_rows(calm, kept, begun),
        *_log(calm, begun),
        *_files(calm),
    ]


def _descriptors(calm: Sequence[Census]) -> Iterable[str]:
    """For the same nodes, exactly the same."""
    first = calm[0]
    for kind in sorted({figures.kind for figures in first.processes.values()}):
        for census in calm:
            expected, found = _most_open(first, kind), _most_open(census, kind)
            if found != expected:
                more, fewer = dict(found - expected), dict(expected - found)
                became = f"{expected.total()} descriptors became {found.total()}"
                yield f"{kind}: {became}: more {more}, fewer {fewer}"
                break


def _most_open(census: Census, kind: str) -> Counter[str]:
    """Return what the processes of a kind have open, of each sort the most that one of them has."""
    return functools.reduce(operator.or_, (it.open for it in census.of(kind)), Counter())


def _memory(calm: Sequence[Census]) -> Iterable[str]:
    """Each process against itself, from the middle of its life to its last count."""
    for pid in sorted({pid for census in calm for pid in census.processes}):
        life = [census for census in calm if pid in census.processes]
        if len(life) < CENSUSES:
            continue
        kind, growth, cycles = growth_of(pid, life[len(life) // 2], life[-1])
        allowed = ONCE[kind] + PER_1000[kind] * cycles / 1000
        if growth > allowed:
            rate = growth * 1000 / max(cycles, 1) / KIB
            yield (
                f"{kind} {pid}: grew by {growth // KIB} KiB in {cycles:.0f} cycles"
                f" ({rate:.0f} KiB per 1,000), not by {allowed // KIB:.0f} at most"
            )


def growth_of(pid: int, first: Census, last: Census) -> tuple[str, int, float]:
    """Return the kind of a process, the bytes that it grew by, and the cycles that it served."""
    kind = last.processes[pid].kind
    growth = last.processes[pid].uss - first.processes[pid].uss
    cycles = last.cycles - first.cycles
    return kind, growth, cycles / last.nodes if kind == NODE else cycles


def _rows(calm: Sequence[Census], kept: dict[str, int], begun: int) -> Iterable[str]:
    last = calm[-1]
    # Trimmed when as many again have come; and a new writer, which does not know how many came
    # before it, lets as many again come.
    bounds = {model: 3 * count * last.nodes for model, count in kept.items()}
    bounds |= {"NodeStatus": last.nodes, "Checkpoint": begun}
    for model, bound in bounds.items():
        if last.rows[model] > bound:
            yield f"{model}: {last.rows[model]} rows, not {bound} at most"


def _log(calm: Sequence[Census], begun: int) -> Iterable[str]:
    hours = (calm[-1].at - calm[0].at) / 3600
    allowed = begun * LOG_PER_PROCESS + calm[-1].nodes * hours * LOG_PER_NODE_AND_HOUR
    written = calm[-1].log_bytes
    if written > allowed:
        yield f"log: {written // KIB} KiB, not {allowed // KIB:.0f} at most"


def _files(calm: Sequence[Census]) -> Iterable[str]:
    first, last = calm[0].files, calm[-1].files
    if last > first:
        yield f"files beside the database: {first} bytes became {last}"
