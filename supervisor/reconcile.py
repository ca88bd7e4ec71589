"""What to do so that the running processes match the node table. Pure.

A change of a node's name or address needs no new process: the running one is configured, drops its
connection if the address is another, and keeps its stream, so that nothing it retains has to move.
Only a restart that is asked for makes a new process; the old one is stopped in good order first.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nodeproc.wire.messages import NodeSpec


class Phase(enum.Enum):
    """The phase of a node's process, as the supervisor sees it."""

    RUNNING = enum.auto()
    STOPPING = enum.auto()  # asked to stop; killed at `deadline`
    CRASHED = enum.auto()  # ended unasked; started again at `deadline`
    REPLAYING = enum.auto()  # not wanted, no connection: it only replays its spool


@dataclass(frozen=True)
class Running:
    """One node that has a process, or is waiting for its next one."""

    spec: NodeSpec
    phase: Phase
    deadline: float | None = None  # monotonic seconds; none while running


@dataclass(frozen=True)
class Start:
    """Fork a process for this node."""

    spec: NodeSpec


@dataclass(frozen=True)
class Configure:
    """Send the node's process its new name or address."""

    spec: NodeSpec


@dataclass(frozen=True)
class Stop:
    """Have the node's process disconnect, drain and end."""

    spec: NodeSpec


@dataclass(frozen=True)
class Kill:
    """End the node's process at once: it was to stop and did not."""

    spec: NodeSpec


@dataclass(frozen=True)
class Forget:
    """Start no next process for this node."""

    spec: NodeSpec


Action = Start | Configure | Stop | Kill | Forget


def plan(
    desired: Mapping[int, NodeSpec], running: Mapping[int, Running], now: float
) -> list[Action]:
    """Return what has to be done; stops before starts. `now` in monotonic seconds."""
    unwanted = [plan_one(None, it, now) for node, it in running.items() if node not in desired]
    wanted = [plan_one(spec, running.get(node), now) for node, spec in desired.items()]
    return [action for action in (*unwanted, *wanted) if action]


def plan_one(spec: NodeSpec | None, it: Running | None, now: float) -> Action | None:
    """Return what has to be done for one node: `spec` as desired, `it` as it stands."""
    match it, spec:
        case None, None:
            return None
        case None, NodeSpec():
            return Start(spec)
        case Running(phase=Phase.RUNNING), None:
            return Stop(it.spec)
        case Running(phase=Phase.RUNNING), NodeSpec() if _restart_asked(spec, it):
            return Stop(it.spec)  # started again once this one is gone
        case Running(phase=Phase.RUNNING), NodeSpec():
            return Configure(spec) if spec != it.spec else None
        case Running(phase=Phase.CRASHED), None:
            return Forget(it.spec)
        case Running(phase=Phase.CRASHED), NodeSpec():
            return Start(spec) if _due(it, now) or _restart_asked(spec, it) else None
        case Running(phase=Phase.REPLAYING), _:  # wanted: started again once this one is gone
            return None
        case Running(phase=Phase.STOPPING), _:  # the same
            return Kill(it.spec) if _due(it, now) else None
    raise AssertionError("unreachable")


def next_deadline(running: Iterable[Running]) -> float | None:
    """Return when `plan` has to be asked again though nothing happened: monotonic seconds."""
    return min((it.deadline for it in running if it.deadline is not None), default=None)


def _due(it: Running, now: float) -> bool:
    return it.deadline is not None and now >= it.deadline


def _restart_asked(spec: NodeSpec, it: Running) -> bool:
    return spec.restarts != it.spec.restarts
