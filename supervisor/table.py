"""The node table, as the writer last sent it.

One node that vanishes was deleted. If most of them vanish together, the table is more likely to be
in the middle of something: a restore, another database. Their processes go on for a time, since
nothing is lost by waiting.
"""

import logging
import math
from collections.abc import Iterable

from nodeproc.wire.messages import NodeSpec

log = logging.getLogger("birdwatcher.supervisor")

MOST = 0.5  # of the enabled nodes: if more of them than this vanish together, they are held


class NodeTable:
    """Which nodes there are, which are wanted, and which are held although they vanished.

    The time is passed to it, in monotonic seconds.
    """

    def __init__(self) -> None:
        self.is_known = False  # it was sent at least once
        self.rows: dict[int, NodeSpec] = {}
        self._held: dict[int, NodeSpec] = {}
        self.until = math.inf  # monotonic: how long they are held

    @property
    def wanted(self) -> dict[int, NodeSpec]:
        """The nodes that are to have a process."""
        return {it.id: it for it in self.rows.values() if it.enabled} | self._held

    @property
    def held(self) -> int:
        """How many nodes are held."""
        return len(self._held)

    def update(self, specs: Iterable[NodeSpec], now: float, patience: float) -> None:
        """Take the table as it is now; hold nodes that vanished together for `patience` seconds.

        A node that was disabled before it vanished was deleted on purpose.
        """
        before, self.rows = self.wanted, {spec.id: spec for spec in specs}
        self.is_known = True
        vanished = {number: it for number, it in before.items() if number not in self.rows}
        if vanished.keys() - self._held.keys() and len(vanished) > MOST * len(before):
            self._hold(vanished, now, patience)
        elif self._held:
            self._held = {it: spec for it, spec in vanished.items() if it in self._held}
            if not self._held:
                log.warning("the nodes that vanished from the database are back")
                self.release()

    def _hold(self, vanished: dict[int, NodeSpec], now: float, patience: float) -> None:
        self._held, self.until = vanished, now + patience
        log.error(
            "nodes that vanished from the database together: %d; their processes go on and keep"
            " what they receive. If the nodes are not back in %g s, their processes are stopped,"
            " and what they received is set aside",
            len(vanished), patience,
        )  # fmt: skip

    def give_up(self, now: float) -> bool:
        """Hold them no longer if it is time; return whether that is so."""
        if now < self.until:
            return False
        log.error("nodes that vanished from the database and are not back: %d; stopped", self.held)
        self.release()
        return True

    def release(self) -> None:
        """Hold nothing."""
        self._held, self.until = {}, math.inf
