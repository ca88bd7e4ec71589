"""The daemon's reports while it runs: the title of its process, and messages to systemd.

The watchdog is fed while the loop turns and the writer commits, is idle, or waits for a database
that is away. So an outage of the database is no reason for a restart; a supervisor or writer that
hangs is.
"""

import asyncio
import time
from collections.abc import Iterator

from setproctitle import setproctitle

from supervisor.fleet import Fleet
from supervisor.metrics.statistics import count_connected
from supervisor.notify import Notifier
from supervisor.observer import Observer
from supervisor.signals import show_where_it_hangs
from supervisor.writer_link import WriterLink

INTERVAL = 5.0  # seconds between two reports if nothing changes
COALESCE = 0.1  # seconds: a hundred nodes that connect at once make one report
BEATS = 4  # within the time in which the watchdog wants one
HANGING = 0.8  # of that time: if the loop hangs for so long, a traceback says where


class Report:
    """Reports every few seconds, and soon after something changed; needs a running event loop."""

    def __init__(self, fleet: Fleet, writer: WriterLink, observer: Observer) -> None:
        self._fleet = fleet
        self._writer = writer
        self._observer = observer
        self._notifier = Notifier()
        self._interval = min(INTERVAL, (self._notifier.watchdog or INTERVAL) / BEATS)
        self._next: asyncio.TimerHandle | None = None
        self._hurries = False  # the next report is near
        self._ready = False
        self._stops_by: float | None = None  # monotonic, once the daemon is stopping
        self._now()

    def changed(self) -> None:
        """Report soon, together with what else changes until then."""
        if not self._hurries:
            self._hurries = True
            self._schedule(COALESCE)

    def reloading(self) -> None:
        """Report that the configuration is being read again; the next report ends that."""
        self._notifier.reloading()

    def stopping(self, seconds: float, refusal: Exception | None) -> None:
        """Report that the daemon stops within `seconds`; `refusal`: why it cannot run, if so."""
        self._stops_by = time.monotonic() + seconds
        self._notifier.stopping(seconds)
        self._notifier.say(str(refusal) if refusal else "stopping")

    def _schedule(self, seconds: float) -> None:
        if self._next:
            self._next.cancel()
        self._next = asyncio.get_running_loop().call_later(seconds, self._now)

    def _now(self) -> None:
        self._hurries = False
        self._schedule(self._interval)
        self._show_title()
        if self._stops_by is None:
            self._report_to_systemd()
        else:  # again and again: systemd forgets it when it goes on to the next ExecStop=
            self._notifier.stopping(max(self._stops_by - time.monotonic(), 1.0))
        self._beat()

    def _show_title(self) -> None:
        roster = self._fleet.roster
        count, connected = len(roster), count_connected(roster.states())
        nodes = "1 node" if count == 1 else f"{count} nodes"
        setproctitle(f"birdwatcher: supervisor {nodes}, {connected} connected")

    def _report_to_systemd(self) -> None:
        if not self._ready and self._fleet.settled:
            self._ready = True
            self._notifier.ready()
        if not self._ready and (self._writer.database_trouble or self._fleet.is_starting):
            self._notifier.starting()
        self._notifier.say("; ".join(self._words()) or "starting")

    def _words(self) -> Iterator[str]:
        """Yield parts of the status: `no database: …`, `3 nodes, 2 connected, 1 backing off; …`."""
        if why := self._fleet.standing_by:
            yield f"error: standing by without nodes: {why}"
        elif trouble := self._writer.database_trouble:
            yield f"no database: {trouble}"
        if why := self._fleet.halted:
            yield why
        if self._ready:
            yield str(self._observer.overview())

    def _beat(self) -> None:
        if self._notifier.watchdog:
            show_where_it_hangs(self._notifier.watchdog * HANGING)
            if self._writer.makes_progress:
                self._notifier.beat()
