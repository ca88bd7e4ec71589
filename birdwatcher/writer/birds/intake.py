"""Writes what the frames of nodes say: the entry of the subject `nodes`."""

import functools
import logging
from collections.abc import Collection, Iterable

from django.db.models import Subquery

from birdwatcher.birds.models import Bird
from birdwatcher.common.database import engine
from birdwatcher.common.database.tables import Owner, Part, Target, Values, values_of
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket, StatusChange
from birdwatcher.rollups import counting
from birdwatcher.writer.birds import rows
from birdwatcher.writer.birds.gathered import GatheredBirds, NodeReport
from birdwatcher.writer.birds.newcomers import Newcomers
from birdwatcher.writer.birds.rows import NodeEvent
from birdwatcher.writer.birds.species import SpeciesKeys
from birdwatcher.writer.retention import Growth
from birdwatcher.writer.subjects import Write
from nodeproc.logs.speaker import about
from nodeproc.wire.reasons import Reason

log = logging.getLogger("birdwatcher.writer")

OWNER = Owner(Node, "node")
BIRDS = Target(Bird)
STATUSES = Target(
    NodeStatus,
    ("node",),
    ("state", "since", "pid", "last_event_at", "events", "rejected", "reconnects", "error",
     "last_error", "next_try", "recent", "recent_minute"),
)  # fmt: skip
FEW = 100  # events; with many more, several statements are quicker


def insert_birds(events: list[NodeEvent], species: dict[str, int]) -> None:
    """Insert birds, and count them, within a transaction; `species` holds keys by name."""
    engine().insert(BIRDS, (rows.bird(*event, species) for event in events))
    counting.add(rows.groups(events, species))


class BirdIntake:
    """What the writer asks of nodes: see `SubjectIntake`."""

    def __init__(self) -> None:
        self._growth = Growth()
        self._species = SpeciesKeys()
        self._newcomers = Newcomers()
        self._statuses: dict[int, NodeStatus] = {}

    def forget(self) -> None:
        """Read statuses from the database again."""
        self._newcomers.forget()
        self._statuses = {}

    def gathered(self) -> GatheredBirds:
        """Return an empty sum, to which frames are added."""
        return GatheredBirds()

    def is_small(self, gathered: GatheredBirds) -> bool:
        """Whether there are only a few events, and nothing else."""
        return (
            len(gathered.events) <= FEW
            and not any(it.statuses or it.rejected for it in gathered.by_node.values())
            and self._species.has(_names(gathered.events))
        )

    def write_small(self, gathered: GatheredBirds, checkpoints: Part) -> bool:
        """Write birds, counts, statuses and checkpoints at once, and commit.

        Return False, and write nothing, if a species was renamed or deleted meanwhile.
        """
        nodes = set(gathered.by_node)
        species = self._species.remembered(_names(gathered.events))
        statuses, *_ = self._statuses_after(gathered.by_node.items())
        birds = [rows.bird(*event, species.keys) for event in gathered.events]
        parts = [(BIRDS, birds), (STATUSES, statuses), checkpoints]
        groups = rows.groups(gathered.events, species.keys)
        held = engine().commit_few(OWNER, nodes, species, parts, counting.SUMS, groups)
        if held is None:
            self._species.forget()
            self.forget()
            return False
        for node in nodes - held:
            del self._statuses[node]
        _drop(gathered, nodes - held)
        return True

    def write(self, gathered: GatheredBirds, write: Write) -> None:
        """Write everything but the checkpoints, in steps."""
        # A delete locks the node first, and so does this: the foreign keys, which PostgreSQL checks
        # as late as at COMMIT, would lock it last, and the two could wait for each other.
        nodes = gathered.by_node.keys()
        _drop(gathered, nodes - engine().hold(Node, nodes))
        insert = functools.partial(self._insert_events, gathered)
        write("an event", gathered.events, insert, gathered.refuse)
        # After the events, of which some may have become rejected packets.
        write("a rejected packet", gathered.rejections, self._insert_rejections)
        write("a status", list(gathered.by_node.items()), self._update_statuses)

    def committed(self) -> None:
        """Log what was set aside; trim the history of nodes that got much of it."""
        self._newcomers.committed()
        self._growth.trim()

    def _insert_events(self, gathered: GatheredBirds, events: list[NodeEvent]) -> None:
        """Insert as birds all that may become birds; the last step counts what may not."""
        names = _names(events)
        species = self._species.held(names)
        new = names - species.keys()
        if not new:
            insert_birds(events, species)
            return
        division, refused = self._newcomers.admit(events, new)
        insert_birds(division.birds, species | self._species.of(division.made))
        gathered.set_aside += len(division.others) - len(refused)
        for event in refused:
            gathered.refuse(event, Reason.NEW_SPECIES)

    def _insert_rejections(self, rejections: list[tuple[int, RejectedPacket]]) -> None:
        packets = [packet for _, packet in rejections]
        self._growth.add(RejectedPacket.objects.bulk_create(packets))

    def _update_statuses(self, reports: list[tuple[int, NodeReport]]) -> None:
        statuses, changes, details = self._statuses_after(reports)
        for node, detail in details.items():
            of_node = StatusChange.objects.filter(node=node).order_by("-pk").values("pk")
            StatusChange.objects.filter(pk=Subquery(of_node[:1])).update(detail=detail)
        if changes:
            self._growth.add(StatusChange.objects.bulk_create(changes))
        engine().upsert(STATUSES, statuses)

    def _statuses_after(
        self, reports: Iterable[tuple[int, NodeReport]]
    ) -> tuple[list[Values], list[StatusChange], dict[int, str]]:
        """Return the statuses as they are to be after `reports`, the changes of states, and by node
        the new detail of the change that is the newest so far."""
        missing = [node for node, _ in reports if node not in self._statuses]
        if missing:
            self._statuses.update(NodeStatus.objects.in_bulk(missing))
        changes: list[StatusChange] = []
        details: dict[int, str] = {}
        for node, report in reports:
            row = self._statuses.get(node)
            self._statuses[node], changed, detail = report.applied_to(row, node)
            changes.extend(changed)
            if detail:
                details[node] = detail
        return [values_of(self._statuses[node]) for node, _ in reports], changes, details


def _names(events: Iterable[NodeEvent]) -> set[str]:
    return {species for _, (_, species, _), _ in events}


def _drop(gathered: GatheredBirds, deleted: Collection[int]) -> None:
    """Leave out what concerns nodes that were deleted."""
    for node in deleted:
        events = gathered.drop(node)
        if events:
            text = "node=%d has no row: %d of its events not committed; its process retains them"
            log.warning(text, node, events, extra=about(node))
