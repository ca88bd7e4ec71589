"""Gathers what frames say, before any of it is written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from birdwatcher.writer.subjects import UNREADABLE, Gathered, SubjectIntake
from nodeproc.wire.frames import Frame, Kind, UndecodableError
from nodeproc.wire.subjects import LARGEST_KEY, Stream

Intakes = Mapping[int, SubjectIntake[Any]]  # by subject


@dataclass
class Work:
    """Everything that one transaction writes."""

    next: dict[Stream, int] = field(default_factory=dict)  # the next sequence number of each stream
    by_subject: dict[int, Gathered] = field(default_factory=dict)  # of those with frames
    unreadable: list[tuple[Frame, str]] = field(default_factory=list)  # and why

    @property
    def events(self) -> int:
        """How many events there are; once it is written, without those that were refused."""
        return sum(len(it.events) - it.refused for it in self.by_subject.values())

    @property
    def set_aside(self) -> int:
        """How many of these events were set aside, known once it is written."""
        return sum(gathered.set_aside for gathered in self.by_subject.values())

    @property
    def rejected(self) -> int:
        """How many packets were rejected, and frames of unknown subjects."""
        unknown = sum(frame.subject not in self.by_subject for frame, _ in self.unreadable)
        return unknown + sum(gathered.rejected for gathered in self.by_subject.values())


def gather(frames: Iterable[Frame], expected: Mapping[Stream, int], intakes: Intakes) -> Work:
    """Return what `frames` say, given the next sequence number of each stream taken up.

    Frames that were committed earlier, that come too early, or whose stream was not taken up are
    left out. A frame that cannot be opened, such as one that an older program spooled, or whose
    subject is not known, counts as a rejected packet: it must not come back for ever.
    """
    work = Work()
    for frame in frames:
        if frame.kind == Kind.GAP:
            _pass_gap(frame, work, expected)
            continue
        if not _is_next(frame, work, expected):
            continue
        intake = intakes.get(frame.subject)
        if intake is None:
            work.unreadable.append((frame, f"there is no subject {frame.subject}"))
            continue
        gathered = work.by_subject.get(frame.subject)
        if gathered is None:
            gathered = work.by_subject[frame.subject] = intake.gathered()
        try:
            gathered.add(frame)
        except UNREADABLE as error:
            work.unreadable.append((frame, f"{type(error).__name__}: {error}"))
            gathered.cannot_read(frame)
    return work


def _pass_gap(frame: Frame, work: Work, expected: Mapping[Stream, int]) -> None:
    stream = frame.stream_key
    following = work.next.get(stream, expected.get(stream))
    if (after := after_gap(frame, following)) is not None:
        work.next[stream] = after


def after_gap(gap: Frame, following: int | None) -> int | None:
    """Return the next sequence number after frames that do not exist any more.

    `following` is the next one of their stream before; if they are not next, the answer is None.
    """
    try:
        first = gap.value()
    except UndecodableError:
        return None
    if following is None or not first <= following <= gap.sequence < LARGEST_KEY:
        return None
    return gap.sequence + 1


def _is_next(frame: Frame, work: Work, expected: Mapping[Stream, int]) -> bool:
    """Whether this frame is to be taken now; its stream then goes on after it."""
    if frame.kind == Kind.NODE_DOWN:
        return True
    stream = frame.stream_key
    following = work.next.get(stream, expected.get(stream))
    if frame.kind == Kind.RESUME or frame.sequence != following:
        return False
    work.next[stream] = following + 1
    return True
