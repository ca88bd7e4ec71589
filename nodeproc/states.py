"""The states of a node's process: one enum, one table of transitions.

The same words stand in the database, in the log, in the process title and on the page.
"""

import enum


class NodeState(enum.StrEnum):
    """What the process of one node is doing."""

    STARTING = "starting"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    LIMITED = "limited"  # connected, and read more slowly than it sends
    BACKING_OFF = "backing off"
    REFUSED = "refused"
    STOPPED = "stopped"
    CRASHED = "crashed"


TRANSITIONS: dict[NodeState, frozenset[NodeState]] = {
    NodeState.STARTING: frozenset(
        {NodeState.CONNECTING, NodeState.REFUSED, NodeState.STOPPED, NodeState.CRASHED}
    ),
    # To connecting again: the node's address was edited while it was connecting,
    NodeState.CONNECTING: frozenset(
        {
            NodeState.CONNECTING,
            NodeState.CONNECTED,
            NodeState.LIMITED,
            NodeState.BACKING_OFF,
            NodeState.REFUSED,
            NodeState.STOPPED,
            NodeState.CRASHED,
        }
    ),
    # or while its connection was up.
    NodeState.CONNECTED: frozenset(
        {
            NodeState.CONNECTING,
            NodeState.LIMITED,
            NodeState.BACKING_OFF,
            NodeState.REFUSED,
            NodeState.STOPPED,
            NodeState.CRASHED,
        }
    ),
    # To limited again: for another reason, or with another limit.
    NodeState.LIMITED: frozenset(
        {
            NodeState.CONNECTING,
            NodeState.CONNECTED,
            NodeState.LIMITED,
            NodeState.BACKING_OFF,
            NodeState.REFUSED,
            NodeState.STOPPED,
            NodeState.CRASHED,
        }
    ),
    NodeState.BACKING_OFF: frozenset(
        {NodeState.CONNECTING, NodeState.REFUSED, NodeState.STOPPED, NodeState.CRASHED}
    ),
    # Until the address or the allowed networks change; to refused again: the next one is no better.
    NodeState.REFUSED: frozenset(
        {NodeState.CONNECTING, NodeState.REFUSED, NodeState.STOPPED, NodeState.CRASHED}
    ),
    NodeState.STOPPED: frozenset({NodeState.STARTING}),
    # To stopped: the node was disabled or deleted before its next process was started.
    NodeState.CRASHED: frozenset({NodeState.STARTING, NodeState.STOPPED}),
}

# The states in which there is a connection to the node.
CONNECTED_STATES = frozenset({NodeState.CONNECTED, NodeState.LIMITED})


def check_transition(old: NodeState, new: NodeState) -> None:
    """Raise ValueError if a node's process cannot go from `old` to `new`."""
    if new not in TRANSITIONS[old]:
        raise ValueError(f"a node cannot go from {old} to {new}")
