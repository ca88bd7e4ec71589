"""Files that were set aside: what is in them, and how to commit it after all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from birdwatcher.writer.budget import MOST
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.turns import rows_of
from nodeproc.delivery.aside import Aside, listed
from nodeproc.delivery.introduction import Introduction
from nodeproc.delivery.spool import SpoolError
from nodeproc.delivery.spool_v1 import MAGIC_V1, SpoolReaderV1
from nodeproc.delivery.spoolfile import MAGIC, SpoolReader, identity, why
from nodeproc.wire.frames import Frame, FrameReader, Kind
from nodeproc.wire.messages import Identity

VERSION = len(MAGIC) - 1  # where the number of the version is in a file's first bytes


@dataclass
class Contents:
    """What is in one file that was set aside."""

    file: Aside
    events: int = 0  # that can be read
    frames: int = 0  # likewise
    owner: Identity | None = None  # whose spool it says it is
    trouble: str = ""  # why nothing of it can be read


def survey(directory: Path) -> Iterator[Contents]:
    """Yield what is in the files that were set aside, the oldest first. It only reads.

    Raises SpoolError.
    """
    try:
        files = listed(directory)
    except OSError as error:
        raise SpoolError(f"{directory} cannot be read: {why(error)}") from None
    for file in files:
        found = Contents(file)
        try:
            for frame in _frames(directory, file):
                found.frames += frame.kind != Kind.NODE
                found.events += frame.events
                if frame.kind == Kind.NODE:
                    found.owner = identity(frame)
        except FileNotFoundError:
            continue
        except OSError as error:
            found.trouble = why(error)
        except SpoolError as error:
            found.trouble = str(error)
        yield found


def commit(directory: Path, file: Aside, ledger: Ledger) -> None:
    """Let the ledger commit all of a file that can be read, and remove the file.

    What the checkpoint of its stream says is committed, is not committed again. No daemon may use
    the database. Raises SpoolError, and then the file is still there; django.db.Error.
    """
    try:
        committed, wanted = _commit(directory, file, ledger)
        if committed != wanted:
            raise SpoolError(f"{file.name} was not taken whole")
        (directory / file.name).unlink()
    except OSError as error:
        raise SpoolError(f"{file.name}: {why(error)}") from None


def _commit(directory: Path, file: Aside, ledger: Ledger) -> tuple[dict[int, int], dict[int, int]]:
    """Return up to which sequence number each stream is committed, and should be."""
    introduction, reader = Introduction(file.origin), FrameReader()
    committed: dict[int, int] = {}
    wanted: dict[int, int] = {}
    some: list[Frame] = []
    rows = 0

    def give() -> None:
        for ack in ledger.commit(some):
            committed[ack.stream] = max(ack.sequence, committed.get(ack.stream, 0))

    for frame in _frames(directory, file):
        if frame.kind == Kind.NODE:
            continue
        wanted[frame.stream] = max(frame.sequence, wanted.get(frame.stream, 0))
        some += reader.feed(introduction.of(frame.stream, frame.sequence) + frame.raw)
        rows += rows_of(frame)
        if rows >= MOST:
            give()
            some, rows = [], 0
    if some:
        give()
    # A stream may have gone on elsewhere, and be committed further.
    return {it: min(committed.get(it, 0), wanted[it]) for it in wanted}, wanted


def _frames(directory: Path, file: Aside) -> Iterator[Frame]:
    """Yield every frame that can be read. Raises SpoolError, OSError."""
    with (directory / file.name).open("rb", buffering=0) as opened:
        begins, descriptor = opened.read(len(MAGIC)), opened.fileno()
        if begins == MAGIC_V1:
            reader: SpoolReader = SpoolReaderV1(descriptor, file.origin)
        elif begins[:VERSION] == MAGIC[:VERSION] and begins != MAGIC:
            raise SpoolError("it is a spool of another version")
        else:  # also the end of a spool, which begins anywhere
            reader = SpoolReader(descriptor, file.origin)
        for frame, _ in reader.sound(len(MAGIC) if begins in (MAGIC, MAGIC_V1) else 0):
            yield frame
