"""What to check when a node is down, by its error; pure.

The errors come from `nodeproc.sources.tcp`, which uses the system's own words, and from
`supervisor.fleet`.
"""

from __future__ import annotations

from dataclasses import dataclass

from birdwatcher.daemon.node_states import DISABLED, UNKNOWN, WAITING, StateNow
from birdwatcher.nodes.models import Node
from nodeproc.states import NodeState


@dataclass(frozen=True)
class Advice:
    """The problem, and what to check, the likeliest cause first. `{…}` are filled in."""

    title: str
    steps: tuple[str, ...] = ()
    is_trouble: bool = True

    def about(self, node: Node, error: str) -> Advice:
        """Return the same with the node's name and address filled in."""
        known = {
            "id": node.pk,
            "host": node.ip_address,
            "port": node.port,
            "address": node.address,
            "error": error,
        }
        steps = tuple(step.format(**known) for step in self.steps)
        return Advice(self.title.format(**known), steps, self.is_trouble)


DAEMON_AWAY = Advice(
    "The daemon is not running, so no events are received from this node",
    (
        "Start it: systemctl start birdwatcher. Its log: journalctl -u birdwatcher.",
        "Nodes do not store events: birds of this time are lost.",
    ),
)
SWITCHED_OFF = Advice(
    "This node is disabled: the daemon does not connect to it",
    ("Its birds are kept. Enable it and the daemon connects to it.",),
    is_trouble=False,
)
NOT_TAKEN_UP = Advice(
    "The daemon has not started a process for this node yet",
    (
        (
            "That takes less than a second. If it does not happen, see on the system page whether "
            "the daemon keeps up, and read its log: journalctl -u birdwatcher."
        ),
    ),
    is_trouble=False,
)
CANNOT_FORK = Advice(
    "This machine could not start a process for the node: {error}",
    (
        (
            "In numbers: free -m for memory; systemctl show -p LimitNOFILE,LimitNPROC,TasksMax "
            "birdwatcher for what the service may use. The daemon's log says what so many nodes "
            "need."
        ),
        "The daemon tries again by itself.",
    ),
)
KILLED = Advice(
    "The node's process was killed; the daemon starts a new one",
    (
        "SIGKILL usually means that the machine ran out of memory: journalctl -k | grep -i oom.",
        (
            "If it happens again, look at the rejected packets below, and at the daemon's log: "
            "journalctl -u birdwatcher."
        ),
    ),
)
CRASHED = Advice(
    "The node's process crashed; the daemon starts a new one",
    (
        "Its last messages are in the log: journalctl -u birdwatcher NODE={id}.",
        "If it happens again, report the error with these messages.",
    ),
)
STOPPED = Advice(
    "The node's process has stopped normally",
    ("A new one starts in a moment if the node was restarted or the daemon has just started.",),
    is_trouble=False,
)
SILENT = Advice(
    "The node is connected, and silent",
    (
        (
            "That is normal if no bird sings. If its neighbours hear birds, check its microphone "
            "and its own log."
        ),
    ),
    is_trouble=False,
)

NO_ROOM = Advice(
    "{error}",
    (
        "What takes the room? On the daemon's host: df -h, then du -xh --max-depth=2.",
        "Free some, or enlarge the disk: the nodes are read again by themselves.",
        (
            "If the disk is meant to be that full, lower BIRDWATCHER_DISK_CRITICAL_BYTES, then "
            "systemctl reload birdwatcher."
        ),
    ),
)
LIMITED = Advice(
    "The node {error}",
    (
        (
            "Its events wait on the node, and are late here. Does it repeat its events, or send "
            "noise? Look at its newest birds and at its own log."
        ),
        (
            "If it may send as much, raise its limit: on its page in the admin, or for all nodes "
            "BIRDWATCHER_MAX_EVENTS_PER_SECOND and systemctl reload birdwatcher."
        ),
    ),
)

REFUSED = Advice(
    "The daemon does not connect to this address: {error}",
    (
        "Is {host} really the address of the node? Edit the node.",
        "If nodes may be there, name its network in BIRDWATCHER_NODE_NETWORKS, and reload.",
    ),
)

# The first entry with a prefix of the error applies.
BY_ERROR: tuple[tuple[tuple[str, ...], Advice], ...] = (
    (
        ("connection refused",),
        Advice(
            "A machine answers at {host}, but nothing listens on port {port}",
            (
                "Is the detector's program running on the node? Restart it, or the node.",
                "Is {port} the right port? Check the node's own configuration.",
                (
                    "A firewall may refuse instead of the node. From this machine: nc -vz {host} "
                    "{port}."
                ),
            ),
        ),
    ),
    (
        ("no answer within", "connection timed out", "host is down"),
        Advice(
            "Nothing answers at {host}",
            (
                "Does the node have power, and its link (radio, mobile network, cable) a signal?",
                "Does anything answer? From this machine: ping {host}.",
                "Is {host} still its address? Many nodes get a new one when they restart.",
                "A firewall on the way may drop what is sent to port {port}.",
                "If the link is only slow, allow more time: BIRDWATCHER_CONNECT_TIMEOUT.",
            ),
        ),
    ),
    (
        ("no route to host", "network is unreachable", "network is down"),
        Advice(
            "This machine has no route to {host}",
            (
                "Is the VPN or the link to the node's network up? ip route get {host}.",
                "If other nodes of the same network are down too, check its gateway first.",
                "Is {host} still its address?",
            ),
        ),
    ),
    (
        ("permission denied", "operation not permitted"),
        Advice(
            "This machine forbids the connection to {address}",
            (
                "Check its own firewall: nft list ruleset.",
                "Check IPAddressDeny= and RestrictAddressFamilies= in the daemon's unit.",
            ),
        ),
    ),
    (
        ("closed by the node",),
        Advice(
            "The node closes the connection",
            (
                (
                    "If it happens once, its program was restarted. If it repeats, its program "
                    "fails: read the node's own log."
                ),
                "Some nodes serve few clients at a time: is another program connected to it?",
                "Is {port} really the port of its bird events?",
            ),
        ),
    ),
    (
        ("connection reset", "broken pipe", "software caused connection abort"),
        Advice(
            "The connection was cut by the node, or on the way to it",
            (
                "This happens once when a node loses power and comes back.",
                (
                    "If it repeats, a firewall or router on the way drops connections, or the link "
                    "is failing: ping {host} for a while."
                ),
            ),
        ),
    ),
    (
        ("a packet stalled", "a packet took"),
        Advice(
            "The node began a packet and did not finish it",
            (
                "Its program hangs, or the link is lost: ping {host}.",
                (
                    "If the link is very slow, allow more time: BIRDWATCHER_STALL_TIMEOUT, "
                    "BIRDWATCHER_PACKET_TIMEOUT."
                ),
            ),
        ),
    ),
    (
        ("a packet length",),
        Advice(
            "The node sends something that is not the node protocol",
            (
                (
                    "Is {port} the port of its bird events? The rejected packets below show what "
                    "it sends instead."
                ),
                "If its packets are just longer, allow them: BIRDWATCHER_MAX_PACKET_BYTES.",
                "Was the node updated? Does it still use the same protocol?",
            ),
        ),
    ),
    (
        ("too many open files", "cannot allocate memory", "no buffer space"),
        Advice(
            "This machine has run out of a resource: {error}",
            ("Check its memory (free -m) and LimitNOFILE= in the daemon's unit.",),
        ),
    ),
)
OTHERWISE = Advice(
    "The connection to {address} fails: {error}",
    (
        "Does the node answer from this machine? nc -vz {host} {port}.",
        "The daemon's log: journalctl -u birdwatcher.",
    ),
)
WITHOUT_ERROR = {
    DISABLED: SWITCHED_OFF,
    UNKNOWN: DAEMON_AWAY,
    WAITING: NOT_TAKEN_UP,
    NodeState.STOPPED.value: STOPPED,
}


def advise(node: Node, state: StateNow, error: str) -> Advice | None:
    """Return what to check about `node`, None if all is well or will be in a moment.

    `error` is its current error, empty if there is none.
    """
    if advice := WITHOUT_ERROR.get(state.word):
        return advice.about(node, error)
    if state.word == NodeState.CRASHED:
        return _of_process(error).about(node, error)
    if state.word == NodeState.REFUSED:
        return REFUSED.about(node, error)
    if state.word == NodeState.CONNECTED:
        return SILENT if state.reason and not error else None
    if not error:
        return None
    if state.word == NodeState.LIMITED:
        advice = NO_ROOM if error.startswith("nothing is read") else LIMITED
        return advice.about(node, error)
    return _of_connection(error).about(node, error)


def _of_process(error: str) -> Advice:
    if error.startswith("cannot start a process"):
        return CANNOT_FORK
    return KILLED if "killed by" in error else CRASHED


def _of_connection(error: str) -> Advice:
    known = (advice for beginnings, advice in BY_ERROR if error.startswith(beginnings))
    return next(known, OTHERWISE)
