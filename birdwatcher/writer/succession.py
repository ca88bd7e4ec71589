"""Which daemons held the lock of the database before, and what they may have committed of ours.

A daemon that loses its session goes on reading its nodes until it learns that another one holds the
lock. Nodes send every event to every client, so the two receive the same for a while, and one of
them commits it late, from its memory or its spool. The sequence numbers of streams do not show
that: each daemon has streams of its own. So a batch that may have been received by both is compared
with what the other committed; see `birds.known`.

Times are compared by the database's clock, since the two daemons may have different ones.
"""

import datetime
import itertools
import logging
import math
import os
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max

from birdwatcher.birds.models import Bird
from birdwatcher.common.database import engine
from birdwatcher.daemon.models import Standby, Tenure
from nodeproc.wire.frames import Frame, Kind, stream_began_at

log = logging.getLogger("birdwatcher.writer")

CLOCKS_DIFFER = 60.0  # seconds at most that two daemons' clocks may be apart
# Seconds after it has the lock again in which a daemon may still read what waited in its sockets.
READ_LATE = 600.0
FORGOTTEN_AFTER = datetime.timedelta(days=1)  # a daemon that stood by, and gave no sign since


class Keys(NamedTuple):
    """A range of keys of birds: those above `after`, up to `upto`."""

    after: int
    upto: int


class Span(NamedTuple):
    """What another daemon committed, and until when, in seconds since the epoch on our clock."""

    until: float
    keys: Keys


class Succession:
    """The other daemons that held the lock, as far as the database remembers them."""

    def __init__(self, instance: str) -> None:
        """`instance` names this daemon: see `instance_of`."""
        self._instance = instance
        self._spans: list[Span] = []
        self._since = math.inf  # when the first of them began, on our clock
        self._taken_at = math.inf  # when this daemon took the lock from another

    def take_over(self) -> bool:
        """Record that this daemon has the lock, which it does; return whether another had it last.

        Raises django.db.Error.
        """
        now = engine().now()
        with transaction.atomic():
            last = Tenure.objects.order_by("pk").last()
            if last is None or last.instance != self._instance:
                newest = Bird.objects.aggregate(newest=Max("pk"))["newest"] or 0
                Tenure.objects.create(**self._self(), began_at=now, last_bird=newest)
                _forget_oldest()
            gone = Standby.objects.filter(seen_at__lt=now - FORGOTTEN_AFTER)
            (gone | Standby.objects.filter(instance=self._instance)).delete()
        from_another = last is not None and last.instance != self._instance
        if from_another:
            log.info("the last to serve this database was another daemon: %s", last)
        self._remember(list(Tenure.objects.order_by("pk")), now.timestamp() - time.time())
        return from_another

    def stand_by(self) -> None:
        """Record that another daemon has the lock. Raises django.db.Error."""
        now = engine().now()
        standing = self._self() | {"seen_at": now}
        instance = standing.pop("instance")
        Standby.objects.update_or_create(
            instance=instance, defaults=standing, create_defaults=standing | {"since": now}
        )

    def _self(self) -> dict[str, object]:
        return {
            "instance": self._instance,
            "host": socket.gethostname(),
            "pid": os.getppid(),
        }

    def _remember(self, tenures: Sequence[Tenure], ahead: float) -> None:
        """Keep what others committed; `ahead`: the seconds by which the database's clock is."""
        pairs = itertools.pairwise(tenures)
        others = [(it, following) for it, following in pairs if it.instance != self._instance]
        self._spans = [
            Span(
                following.began_at.timestamp() - ahead,
                Keys(it.last_bird, following.last_bird),
            )
            for it, following in others
        ]
        if others:
            self._since = others[0][0].began_at.timestamp() - ahead - CLOCKS_DIFFER
            self._taken_at = max(span.until for span in self._spans)

    def concerns(self, frame: Frame) -> bool:
        """Whether another daemon may have received, and committed, what is in this batch.

        A process that was started after the other one had lost the lock received nothing that the
        other could commit.
        """
        return (
            frame.kind == Kind.BATCH
            and self._since <= frame.received_at <= self._taken_at + READ_LATE
            and not self._taken_at < stream_began_at(frame.stream) <= frame.received_at
        )

    def committed_by_others(self, received_at: float) -> list[Keys]:
        """Return the keys of birds that others may have committed of what came at that time."""
        return [
            span.keys
            for span in self._spans
            if received_at <= span.until + READ_LATE and span.keys.after < span.keys.upto
        ]


def _forget_oldest() -> None:
    newest = Tenure.objects.order_by("-pk").values_list("pk", flat=True)
    if (oldest := newest[Tenure.KEPT : Tenure.KEPT + 1].first()) is not None:
        Tenure.objects.filter(pk__lte=oldest).delete()
