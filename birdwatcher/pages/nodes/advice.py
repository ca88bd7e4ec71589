"""What to check when a node is down, in words that fit what went wrong; pure.

The errors come from `nodeproc.sources.tcp`, which uses the system's own words, and from
`supervisor.fleet`.
"""

from __future__ import annotations

from dataclasses import dataclass

from birdwatcher.daemon.node_states import DISABLED, UNKNOWN, WAITING, Live
from birdwatcher.nodes.models import Node
from nodeproc.states import NodeState


@dataclass(frozen=True)
class Advice:
    """What is the matter, and what to look at, the likeliest first. `{…}` are filled in."""

    title: str
    steps: tuple[str, ...] = ()
    is_trouble: bool = True

    def about(self, node: Node, error: str) -> Advice:
        """Return the same with the node's own name and address in it."""
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
    "The daemon is not running, so that nobody listens to this node",
    (
        "Start it: systemctl start birdwatcher. What it says: journalctl -u birdwatcher.",
        "Nodes do not keep what nobody hears: birds of this time are lost.",
    ),
)
SWITCHED_OFF = Advice(
    "This node is disabled: the daemon leaves it alone",
    ("Its birds are kept. Enable it to have the daemon connect to it.",),
    is_trouble=False,
)
NOT_TAKEN_UP = Advice(
    "The daemon has not begun with this node yet",
    (
        (
            "That takes less than a second. If it stays so, see on the system page whether the "
            "daemon keeps up, and what it says: journalctl -u birdwatcher."
        ),
    ),
    is_trouble=False,
)
CANNOT_FORK = Advice(
    "This machine could start no process for the node: {error}",
    (
        (
            "Look for what is used up: memory (free -m), processes (LimitNPROC= and TasksMax= in "
            "the unit), descriptors (LimitNOFILE=)."
        ),
        "The daemon tries again by itself.",
    ),
)
KILLED = Advice(
    "The node's process was killed; a new one is started by itself",
    (
        "SIGKILL mostly means that the machine ran out of memory: journalctl -k | grep -i oom.",
        (
            "If it comes again, look at what the node sent last, under the rejected packets, and "
            "at what the daemon says: journalctl -u birdwatcher."
        ),
    ),
)
CRASHED = Advice(
    "The node's process ended by itself; a new one is started",
    (
        "Its last words are in the log: journalctl -u birdwatcher NODE={id}.",
        "An error in the program that comes again should be reported with them.",
    ),
)
STOPPED = Advice(
    "The node's process has ended in good order",
    ("A new one is under way if the node was restarted or the daemon has just begun.",),
    is_trouble=False,
)
SILENT = Advice(
    "The node is connected, and silent",
    (
        (
            "That is legal: perhaps no bird sings. Where its neighbours hear birds, look at its "
            "microphone and at its own log."
        ),
    ),
    is_trouble=False,
)

# By the first of the beginnings that the error has.
BY_ERROR: tuple[tuple[tuple[str, ...], Advice], ...] = (
    (
        ("connection refused",),
        Advice(
            "A machine answers at {host}, but nothing listens on port {port}",
            (
                "Is the detector's program running on the node? Restart it, or the node.",
                "Is {port} the right port? Look at the node's own configuration.",
                (
                    "A firewall may refuse in the node's place. From this machine: nc -vz {host} "
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
                "Has the node power, and its link (radio, mobile network, cable) a signal?",
                "Does anything answer? From this machine: ping {host}.",
                "Is {host} still its address? Many nodes get a new one when they restart.",
                "A firewall between here and there may swallow what is sent to port {port}.",
                "If the link is only slow, give it longer: BIRDWATCHER_CONNECT_TIMEOUT.",
            ),
        ),
    ),
    (
        ("no route to host", "network is unreachable", "network is down"),
        Advice(
            "This machine knows no way to {host}",
            (
                "Is the VPN or the link to the node's network up? ip route get {host}.",
                "If other nodes of the same network are down too, look at its gateway first.",
                "Is {host} still its address?",
            ),
        ),
    ),
    (
        ("permission denied", "operation not permitted"),
        Advice(
            "This machine forbids the connection to {address}",
            (
                "Look at its own firewall: nft list ruleset.",
                "Look for IPAddressDeny= or RestrictAddressFamilies= in the daemon's unit.",
            ),
        ),
    ),
    (
        ("closed by the node",),
        Advice(
            "The node closes the connection by itself",
            (
                (
                    "Once, that is a restart of its program. Again and again, its program fails: "
                    "look at the node's own log."
                ),
                "Some nodes serve only so many clients: is another program connected to it?",
                "Is {port} the port of its bird events, and not of something else?",
            ),
        ),
    ),
    (
        ("connection reset", "broken pipe", "software caused connection abort"),
        Advice(
            "The connection was cut, by the node or on the way to it",
            (
                "A node that lost power and came back does this once.",
                (
                    "Again and again, it is a firewall or a router on the way that forgets "
                    "connections, or a failing link: ping {host} for a while."
                ),
            ),
        ),
    ),
    (
        ("a packet stalled",),
        Advice(
            "The node began a packet and did not finish it",
            (
                "Its program hangs, or its link is lost: ping {host}.",
                "On a very slow link, wait longer: BIRDWATCHER_STALL_TIMEOUT.",
            ),
        ),
    ),
    (
        ("a packet length",),
        Advice(
            "The node sends what is no packet of the node protocol",
            (
                (
                    "Is {port} the port of its bird events? The rejected packets below show what "
                    "it sends instead."
                ),
                "If its packets are just longer, allow that: BIRDWATCHER_MAX_PACKET_BYTES.",
                "After an update of the node: does it still speak the same protocol?",
            ),
        ),
    ),
    (
        ("too many open files", "cannot allocate memory", "no buffer space"),
        Advice(
            "This machine has run out of something: {error}",
            ("Look at its memory (free -m) and at LimitNOFILE= in the daemon's unit.",),
        ),
    ),
)
OTHERWISE = Advice(
    "The connection to {address} fails: {error}",
    (
        "Does the node answer from this machine? nc -vz {host} {port}.",
        "What the daemon says: journalctl -u birdwatcher.",
    ),
)
WITHOUT_ERROR = {
    DISABLED: SWITCHED_OFF,
    UNKNOWN: DAEMON_AWAY,
    WAITING: NOT_TAKEN_UP,
    NodeState.STOPPED.value: STOPPED,
}


def advise(node: Node, live: Live, error: str) -> Advice | None:
    """Return what to check about `node`, None if all is well or will be in a moment.

    `error` is what is wrong with it now, empty if nothing is.
    """
    if advice := WITHOUT_ERROR.get(live.word):
        return advice.about(node, error)
    if live.word == NodeState.CRASHED:
        return _of_process(error).about(node, error)
    if live.word == NodeState.CONNECTED:
        return SILENT if live.reason and not error else None
    if not error:
        return None
    return _of_connection(error).about(node, error)


def _of_process(error: str) -> Advice:
    if error.startswith("cannot start a process"):
        return CANNOT_FORK
    return KILLED if "killed by" in error else CRASHED


def _of_connection(error: str) -> Advice:
    known = (advice for beginnings, advice in BY_ERROR if error.startswith(beginnings))
    return next(known, OTHERWISE)
