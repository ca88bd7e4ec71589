"""What the writer asks of each subject.

A new subject is a folder beside `birds`, and an entry in `ledger.SUBJECTS`.
"""

from collections.abc import Callable, Collection
from typing import Any, Protocol, TypeVar

from birdwatcher.common.database.tables import Part
from nodeproc.wire.frames import Frame, UndecodableError

# What opening a frame raises if no program of ours can have packed it, or if a time in it is
# invalid.
UNREADABLE = (UndecodableError, ValueError, OverflowError)

Insert = Callable[[list[Any]], None]
Refuse = Callable[[Any], None]


class Gathered(Protocol):
    """What the frames of one subject say, gathered before any of it is written."""

    events: list[Any]
    # Of these, known once it is written: those set aside until a person decides, and those refused.
    set_aside: int
    refused: int

    @property
    def rejected(self) -> int:
        """How many packets were rejected."""

    @property
    def dropped(self) -> Collection[int]:
        """The keys of devices that do not exist any more, known once it is written."""

    def add(self, frame: Frame) -> None:
        """Add what a frame says. Raises one of `UNREADABLE`, and has added nothing then."""

    def cannot_read(self, frame: Frame) -> None:
        """Add a frame that cannot be opened, as one rejected packet."""


class Write(Protocol):
    """How one kind of row is written: all of it or an error, or each that the database takes."""

    def __call__(
        self, what: str, items: list[Any], insert: Insert, refuse: Refuse = lambda _: None
    ) -> None:
        """Insert `items`, each of which begins with the key of its device.

        Of those that the database refuses, each is logged as `what` and given to `refuse`.
        """


G = TypeVar("G", bound=Gathered)


class SubjectIntake(Protocol[G]):
    """One subject of one ledger. It may remember what the database holds, until `forget`.

    Where it writes, it raises django.db.Error.
    """

    def gathered(self) -> G:
        """Return an empty sum, to which frames are added."""

    def is_small(self, gathered: G) -> bool:
        """Whether `write_small` can write it."""

    def write_small(self, gathered: G, checkpoints: Part) -> bool:
        """Write all of it in a transaction of its own, in as few steps as the database allows.

        Return False, and write nothing, if what it remembers is out of date.
        """

    def write(self, gathered: G, write: Write) -> None:
        """Write all of it but the checkpoints, within a transaction."""

    def committed(self) -> None:
        """Do what is to follow a commit, outside any transaction."""

    def forget(self) -> None:
        """Read everything from the database again."""
