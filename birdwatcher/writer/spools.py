"""What is waiting in the spools: told, and committed without a daemon."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from birdwatcher.writer.inbox import MAX_TAKEN
from birdwatcher.writer.ledger import Ledger
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool, SpoolError
from nodeproc.delivery.spoolfile import SpoolReader, spool_path, spooled_nodes
from nodeproc.limits import NodeLimits
from nodeproc.wire import Batch, Frame, FrameReader, Kind


@dataclass
class Waiting:
    """What waits in the spool of one node."""

    node: int
    size: int = 0  # bytes
    damaged: int = 0  # bytes, at the end
    events: int = 0
    since: datetime.datetime | None = None  # when the oldest of it was received


def survey(directory: Path) -> Iterator[Waiting]:
    """Yield what waits, a node at a time; reads only, also beside a running daemon.

    Raises SpoolError.
    """
    try:
        nodes = spooled_nodes(directory)
    except OSError as error:
        raise SpoolError(f"{directory} cannot be read: {error.strerror}") from None
    for node in nodes:
        try:
            descriptor = os.open(spool_path(directory, node), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # committed a moment ago
            continue
        except OSError as error:
            raise SpoolError(f"the spool of node {node} cannot be read: {error.strerror}") from None
        try:
            yield _look_into(node, descriptor)
        finally:
            os.close(descriptor)


def _look_into(node: int, descriptor: int) -> Waiting:
    waiting = Waiting(node, os.fstat(descriptor).st_size)
    sound = 0  # bytes, up to the end of the last sound record
    for frame, behind in SpoolReader(descriptor).all():
        sound = behind
        if frame.kind == Kind.BATCH:
            batch = Batch(*frame.value())
            waiting.events += len(batch.events)
            if waiting.since is None:
                waiting.since = datetime.datetime.fromtimestamp(batch.received_at, datetime.UTC)
    waiting.damaged = max(waiting.size - sound, 0)
    return waiting


def commit(directory: Path, node: int, ledger: Ledger) -> None:
    """Have the ledger commit everything in the spool of one node, and remove it.

    Nobody else may use the spool. Raises SpoolError, django.db.Error.
    """
    spool = Spool(directory, node, NodeLimits())
    spool.take_up()
    outbox = Outbox(node, spool)
    while frames := _some(outbox):
        for acknowledged, stream, sequence in ledger.commit(frames):
            if acknowledged == node:
                outbox.acknowledge(stream, sequence)
    if outbox:
        raise SpoolError(f"the spool of node {node} was not taken whole")


def _some(outbox: Outbox) -> list[Frame]:
    """Take as much as a transaction is to hold."""
    frames: list[Frame] = []
    reader = FrameReader()
    taken = 0
    while taken < MAX_TAKEN and (raw := outbox.take()):
        taken += len(raw)
        frames.extend(reader.feed(raw))
    return frames
