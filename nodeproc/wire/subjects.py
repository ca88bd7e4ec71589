"""The kinds of devices, and the name of each device."""

import enum
from typing import NamedTuple

LARGEST_KEY = 2**63 - 1  # that a frame's header and both databases can hold


class Subject(enum.IntEnum):
    """The kinds of devices that rows come from.

    Each is named after its table in the database, because a number in a frame's header and the word
    in a spool's file name, a log field or a title all mean a row of that table. The numbers are in
    spools on the disk: never change one, never use one again.
    """

    NODES = 1


class Origin(NamedTuple):
    """The device that a frame comes from, or is about."""

    subject: int  # a value of Subject; 0 in frames that are about no device
    id: int  # the primary key in the subject's table

    def __str__(self) -> str:
        """Return `nodes-7`."""
        return f"{self.table}-{self.id}"

    @property
    def table(self) -> str:
        """The subject's word: `nodes`."""
        return Subject(self.subject).name.lower()

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Return the origin that `text` names. Raises ValueError."""
        subject, _, number = text.partition("-")
        try:
            origin = cls(Subject[subject.upper()], int(number))
        except (KeyError, ValueError):
            raise ValueError(f"not an origin: {text!r}") from None
        # One spelling each, or a file would be taken for the spool of a device that has another.
        if str(origin) != text or not 0 < origin.id <= LARGEST_KEY:
            raise ValueError(f"not an origin: {text!r}")
        return origin


NOWHERE = Origin(0, 0)  # of frames that are about no device

Stream = tuple[int, int, int]  # subject, id, the stream's number
