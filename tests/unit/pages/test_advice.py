"""What to check when a node is down: each of the errors that there are has words of its own."""

import pytest

from birdwatcher.daemon.node_states import DISABLED, UNKNOWN, WAITING, WORDS, StateNow
from birdwatcher.nodes.models import Node
from birdwatcher.pages.nodes.advice import BY_ERROR, advise
from nodeproc.sources.tcp.protocol import FramingError
from nodeproc.states import NodeState

NODE = Node(id=7, name="Dartmoor", ip_address="10.0.3.2", port=9999)


@pytest.mark.parametrize(
    ("word", "error", "title"),
    [
        (NodeState.BACKING_OFF, "connection refused", "nothing listens on port 9999"),
        (NodeState.BACKING_OFF, "no answer within 8 s", "Nothing answers at 10.0.3.2"),
        (NodeState.BACKING_OFF, "connection timed out", "Nothing answers at 10.0.3.2"),
        (NodeState.BACKING_OFF, "no route to host", "has no route to 10.0.3.2"),
        (NodeState.BACKING_OFF, "network is unreachable", "has no route to 10.0.3.2"),
        (NodeState.BACKING_OFF, "closed by the node", "The node closes the connection"),
        (NodeState.BACKING_OFF, "connection reset by peer", "was cut"),
        (NodeState.BACKING_OFF, "a packet stalled half-way for 30 s", "did not finish it"),
        (NodeState.BACKING_OFF, "a packet took more than 60 s to arrive", "did not finish it"),
        (
            NodeState.BACKING_OFF,
            str(FramingError(0, 65536)),
            "something that is not the node protocol",
        ),
        (NodeState.BACKING_OFF, "permission denied", "forbids the connection to 10.0.3.2:9999"),
        (NodeState.BACKING_OFF, "too many open files", "has run out of a resource"),
        (NodeState.BACKING_OFF, "something {odd}", "fails: something {odd}"),
        (NodeState.CRASHED, "its process ended unasked: exit code 70", "process crashed"),
        (NodeState.CRASHED, "its process ended unasked: killed by SIGKILL", "was killed"),
        (NodeState.CRASHED, "cannot start a process: try again", "could not start a process"),
        (NodeState.LIMITED, "sends more than 5 events/s, and has to wait", "The node sends more"),
        (NodeState.LIMITED, "nothing is read: less than", "nothing is read: less than"),
        (NodeState.STOPPED, "", "has stopped normally"),
        (DISABLED, "", "is disabled"),
        (UNKNOWN, "", "daemon is not running"),
        (WAITING, "", "has not started a process for this node"),
    ],
)
def test_advice_fits_the_error(word: str, error: str, title: str) -> None:
    advice = advise(NODE, StateNow(str(word)), error)
    assert advice
    assert title in advice.title
    assert advice.steps
    assert not any("{" in step for step in advice.steps)


def test_all_is_well_needs_no_advice() -> None:
    assert advise(NODE, StateNow("connected"), "") is None
    assert advise(NODE, StateNow("connecting"), "") is None
    silent = advise(NODE, StateNow("connected", reason="silent since 09:00"), "")
    assert silent
    assert not silent.is_trouble


def test_nothing_is_left_to_fill_in() -> None:
    for word in WORDS:
        for error in ["", "odd", *(it for beginnings, _ in BY_ERROR for it in beginnings)]:
            advice = advise(NODE, StateNow(word), error)
            texts = [advice.title, *advice.steps] if advice else []
            assert not any("{" in text for text in texts)
