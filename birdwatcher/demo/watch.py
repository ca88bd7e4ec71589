"""Changes in the database as lines: birds that arrive, nodes that change their state."""

import datetime
from collections.abc import Iterator

from django.utils import timezone

from birdwatcher.feed.birds.recent import Recent
from birdwatcher.feed.birds.table import BirdTable
from birdwatcher.feed.cursor import Cursor
from birdwatcher.nodes.models import NodeStatus
from nodeproc.states import NodeState
from nodeproc.text import printable

# The other states come and go with every attempt to connect, and are no news.
NEWS = frozenset(
    {*NodeState} - {NodeState.STARTING, NodeState.CONNECTING},
)


class Watcher:
    """Follows the database from its creation on."""

    def __init__(self) -> None:
        self._birds = BirdTable(Recent())
        self._cursor = Cursor(self._birds.newest(), self._birds.newest_deletion())
        self._states: dict[int, str] = {}
        # The states that an earlier daemon has stored are no news.
        self._before = dict(NodeStatus.objects.values_list("node_id", "since"))

    def look(self) -> Iterator[str]:
        """Yield a line for each change since the last call."""
        yield from self._look_at_nodes()
        news = self._birds.after(self._cursor)
        self._cursor = news.end
        for bird in news.birds:
            yield bird_line(bird.timestamp, bird.node, bird.species, bird.name)

    def _look_at_nodes(self) -> Iterator[str]:
        for status in NodeStatus.objects.select_related("node").order_by("node__name", "node_id"):
            key, state = status.node_id, status.state
            if self._before.get(key) == status.since or state not in NEWS:
                continue
            if self._states.get(key) != state:
                self._states[key] = state
                yield node_line(status.since, str(status.node), state, status.last_error)


def bird_line(timestamp: datetime.datetime, node: str, species: str, name: str) -> str:
    """Return the line for a bird."""
    return f"bird  {_local(timestamp)}  {printable(f'{node}  {species}  {name}')}"


def node_line(since: datetime.datetime, node: str, state: str, error: str) -> str:
    """Return the line for a node's new state, with the error if that is its reason."""
    why = f" ({error})" if error and state != NodeState.CONNECTED else ""
    return f"node  {_local(since)}  {printable(f'{node} is {state}{why}')}"


def _local(moment: datetime.datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z")
