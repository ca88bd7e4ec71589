"""The nodes that have a process, or are waiting for their next one."""

import asyncio
from collections import Counter
from collections.abc import Iterator

from nodeproc.numbers.node import Counts, FleetNumbers
from nodeproc.states import NodeState
from nodeproc.wire.messages import NodeSpec
from supervisor.children import Child
from supervisor.metrics.statistics import Reading, Statistics
from supervisor.node import Node, NodeOwner


class Roster:
    """Every node that the supervisor looks after, by id, and their numbers."""

    def __init__(self) -> None:
        """To be made before the first fork."""
        self._nodes: dict[int, Node] = {}
        self._numbers = FleetNumbers()
        self.statistics = Statistics()
        self.gone = asyncio.Event()  # set while there is no node
        self.gone.set()

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __contains__(self, number: int) -> bool:
        return number in self._nodes

    def get(self, number: int) -> Node | None:
        """Return the node with this id, None without one."""
        return self._nodes.get(number)

    def add(self, spec: NodeSpec, owner: NodeOwner) -> Node:
        """Look after one more node, for `owner`."""
        node = self._nodes[spec.id] = Node(spec, self._numbers.take(), owner)
        self.gone.clear()
        return node

    def remove(self, node: Node) -> None:
        """Stop looking after it; its process, if it had one, is dead: see `Child`."""
        del self._nodes[node.spec.id]
        self.statistics.removed(node.numbers.read())
        self._numbers.give_back(node.numbers)
        if not self._nodes:
            self.gone.set()

    # Numbers and states

    def states(self) -> Counter[NodeState]:
        """Return how many nodes are in which state."""
        return Counter(node.state for node in self)

    def readings(self) -> list[Reading]:
        """Return the numbers of every node at this moment."""
        return [Reading(it.spec, it.state, it.numbers.read()) for it in self]

    def total(self) -> Counts:
        """Return the sum of the numbers of all nodes at this moment."""
        return self._numbers.total()

    def children(self) -> list[tuple[Node, Child]]:
        """Return each node that has a process, with that process."""
        return [(node, node.child) for node in self if node.child]
