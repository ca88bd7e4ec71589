"""What happens in the database, told line by line: birds that arrive, nodes that change state."""

import datetime
from collections.abc import Iterator

from django.utils import timezone

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import NodeStatus
from nodeproc.logs.printable import printable
from nodeproc.states import NodeState

MOST_BIRDS = 500  # told at a time; the next ones follow at the next look

# The states on the way to these come and go with every attempt to reach a node, and are no news.
NEWS = frozenset({NodeState.CONNECTED, NodeState.BACKING_OFF, NodeState.STOPPED, NodeState.CRASHED})


class Watcher:
    """Follows the database from the moment it is made."""

    def __init__(self) -> None:
        # Keys, not timestamps: those are when a bird was heard, in any order.
        self._last_bird = Bird.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self._states: dict[int, str] = {}
        # What an earlier daemon left behind is no news.
        self._before = dict(NodeStatus.objects.values_list("node_id", "since"))

    def look(self) -> Iterator[str]:
        """Yield a line for each thing that is new."""
        yield from self._look_at_nodes()
        birds = Bird.objects.filter(pk__gt=self._last_bird).select_related("species", "node")
        for bird in birds.order_by("pk")[:MOST_BIRDS]:
            self._last_bird = bird.pk
            yield bird_line(bird.timestamp, bird.node.name, bird.species.name, bird.name)

    def _look_at_nodes(self) -> Iterator[str]:
        for status in NodeStatus.objects.select_related("node").order_by("node__name", "node_id"):
            key, state = status.node_id, status.state
            if self._before.get(key) == status.since or state not in NEWS:
                continue
            if self._states.get(key) != state:
                self._states[key] = state
                yield node_line(status.since, str(status.node), state, status.last_error)


def bird_line(timestamp: datetime.datetime, node: str, species: str, name: str) -> str:
    """Return the line that tells of a bird."""
    return f"bird  {_local(timestamp)}  {printable(f'{node}  {species}  {name}')}"


def node_line(since: datetime.datetime, node: str, state: str, error: str) -> str:
    """Return the line that tells of a node's new state; of an error only where it explains it."""
    why = f" ({error})" if error and state != NodeState.CONNECTED else ""
    return f"node  {_local(since)}  {printable(f'{node} is {state}{why}')}"


def _local(moment: datetime.datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z")
