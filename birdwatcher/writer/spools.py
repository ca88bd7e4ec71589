"""What is waiting in the spools: listed, and committed without a daemon."""

import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from birdwatcher.common.units import moment
from birdwatcher.writer.budget import MOST
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.turns import rows_of
from nodeproc.delivery.directory import readers, spooled
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool, SpoolError
from nodeproc.delivery.spoolfile import SpoolReader
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import Frame, FrameReader, Kind
from nodeproc.wire.messages import Identity
from nodeproc.wire.subjects import Origin


@dataclass
class Waiting:
    """What waits in the spool of one node."""

    origin: Origin
    size: int = 0  # bytes
    damaged: int = 0  # bytes
    events: int = 0
    since: datetime.datetime | None = None  # when the oldest of it was received


def survey(directory: Path) -> Iterator[Waiting]:
    """Yield what waits, a node at a time. It only reads, and may run beside the daemon.

    Raises SpoolError.
    """
    try:
        origins = spooled(directory)
    except OSError as error:
        raise SpoolError(f"{directory} cannot be read: {error.strerror}") from None
    for origin in origins:
        waiting = Waiting(origin)
        found = [_add(waiting, path, reader) for path, reader in readers(directory, origin)]
        if any(found):  # else it was committed a moment ago
            yield waiting


def _add(waiting: Waiting, path: Path, reader: type[SpoolReader]) -> bool:
    """Add what is in one file; return whether there is one."""
    try:
        with path.open("rb", buffering=0) as file:
            _look_into(
                waiting, reader(file.fileno(), waiting.origin), os.fstat(file.fileno()).st_size
            )
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unreadable(waiting.origin, error.strerror) from None


def _unreadable(origin: Origin, why: object) -> SpoolError:
    return SpoolError(f"the spool of node {origin.id} cannot be read: {why}")


def _look_into(waiting: Waiting, reader: SpoolReader, size: int) -> None:
    sound = 0  # bytes, up to the end of the last sound record
    for frame, end in reader.all():
        sound = end
        waiting.events += frame.events
        if frame.kind == Kind.BATCH and waiting.since is None:
            waiting.since = moment(frame.received_at)
    waiting.size += size
    skipped = sum(end - begin for begin, end in reader.skips.items())
    waiting.damaged += max(size - sound, 0) + skipped


def commit(directory: Path, origin: Origin, ledger: Ledger, owner: Identity | None = None) -> None:
    """Let the ledger commit everything in the spool of one node, and remove it.

    `owner`: the node, by the database; the spool of another one is set aside. No other process may
    use the spool. Raises SpoolError, django.db.Error.
    """
    spool = Spool(directory, origin, NodeLimits(), owner)
    try:
        spool.take_up()
    except SpoolError as error:
        raise _unreadable(origin, error) from None
    outbox = Outbox(origin, spool)
    while frames := _some(outbox):
        for subject, number, stream, sequence in ledger.commit(frames):
            if (subject, number) == origin:
                outbox.acknowledge(stream, sequence)
    if outbox:
        raise SpoolError(f"the spool of node {origin.id} was not taken whole")


def _some(outbox: Outbox) -> list[Frame]:
    """Take as much as one transaction may hold."""
    frames: list[Frame] = []
    reader = FrameReader()
    rows = 0
    while rows < MOST and (raw := outbox.take()):
        frames.extend(reader.feed(raw))
        rows += rows_of(frames[-1])
    return frames
