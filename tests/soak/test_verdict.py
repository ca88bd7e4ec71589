"""The verdict on a soak: what leaks is found, what does not is let be."""

import dataclasses
from collections import Counter
from collections.abc import Callable

import pytest

from tests.soak.census import NODE, SUPERVISOR, WRITER, Census, Figures
from tests.soak.verdict import KIB, complaints

KEPT = {"StatusChange": 500, "RejectedPacket": 1000}
ROWS = {"Node": 2, "NodeStatus": 2, "Checkpoint": 2, "StatusChange": 1000, "RejectedPacket": 9}
OPEN = Counter(socket=9, pipe=1)
PIDS = {1: SUPERVISOR, 2: WRITER, 3: NODE, 4: NODE}


def census(number: int, **changes: object) -> Census:
    """Return one count of a daemon that leaks nothing: a minute and 10,000 cycles after another."""
    processes = {pid: Figures(kind, 9000 * KIB, 5000 * KIB, OPEN) for pid, kind in PIDS.items()}
    usual = Census(60.0 * number, 10_000 * number, 2, processes, 9 * KIB, ROWS, 0)
    return dataclasses.replace(usual, **changes)


def leaking(pid: int, *, uss: int = 0, sockets: int = 0) -> list[Census]:
    """Return counts in which, minute by minute, one process has so much more."""
    found = []
    for number in range(10):
        processes = dict(census(number).processes)
        usual = processes[pid]
        more = usual.open + Counter(socket=sockets * number)
        processes[pid] = dataclasses.replace(usual, uss=usual.uss + uss * number, open=more)
        found.append(census(number, processes=processes))
    return found


def verdict(calm: list[Census]) -> list[str]:
    return complaints(calm, kept=KEPT, begun=2)


def test_what_is_flat_is_let_be() -> None:
    assert verdict([census(number) for number in range(10)]) == []


@pytest.mark.parametrize("pid", PIDS)
def test_a_descriptor_too_many_is_found(pid: int) -> None:
    (complaint,) = verdict(leaking(pid, sockets=1))
    assert complaint.startswith(f"{PIDS[pid]}: ")
    assert complaint.endswith("more {'socket': 1}, fewer {}")


@pytest.mark.parametrize("pid", PIDS)
def test_a_leak_of_a_few_hundred_bytes_a_cycle_is_found(pid: int) -> None:
    cycles = 10_000 / (2 if PIDS[pid] == NODE else 1)
    (complaint,) = verdict(leaking(pid, uss=int(300 * cycles)))
    assert complaint.startswith(f"{PIDS[pid]} {pid}: grew by ")


@pytest.mark.parametrize("pid", PIDS)
def test_a_few_pages_more_are_none(pid: int) -> None:
    assert verdict(leaking(pid, uss=4 * KIB)) == []


def test_a_process_is_compared_with_itself_and_not_with_the_one_before() -> None:
    calm = [census(number) for number in range(10)]
    for number in range(5, 10):
        processes = dict(calm[number].processes)
        del processes[2]
        processes[20] = Figures(WRITER, 90_000 * KIB, 5000 * KIB, OPEN)
        calm[number] = census(number, processes=processes)
    assert verdict(calm) == []


@pytest.mark.parametrize(
    ("change", "about"),
    [
        (lambda n: {"log_bytes": 100 * KIB * n}, "log: "),
        (lambda n: {"files": 100 * n}, "files beside the database: "),
        (lambda n: {"rows": ROWS | {"StatusChange": 1000 * n}}, "StatusChange: "),
        (lambda n: {"rows": ROWS | {"RejectedPacket": 2000 * n}}, "RejectedPacket: "),
        (lambda n: {"rows": ROWS | {"Checkpoint": n}}, "Checkpoint: "),
        (lambda n: {"rows": ROWS | {"NodeStatus": 2 + n}}, "NodeStatus: "),
    ],
)
def test_what_else_grows_is_found(change: Callable[[int], dict], about: str) -> None:
    (complaint,) = verdict([census(number, **change(number)) for number in range(10)])
    assert complaint.startswith(about)


def test_two_counts_are_no_proof() -> None:
    assert verdict([census(0), census(1)])
