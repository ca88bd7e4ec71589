"""Observes the daemon: samples the nodes' numbers, measures the processes, serves the metrics."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from nodeproc.logs.fold import Fold
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.numbers.node import Counts
from nodeproc.wire.frames import Kind, pack
from supervisor.disks import DiskWatch
from supervisor.fleet import Fleet
from supervisor.metrics.catalogue import Snapshot
from supervisor.metrics.exposition import render
from supervisor.metrics.scrape import ScrapeServer
from supervisor.metrics.statistics import Overview
from supervisor.metrics.usage import Gauge, Role, usage_of
from supervisor.writer_link import WriterLink

log = logging.getLogger("birdwatcher.supervisor")

SAMPLE_INTERVAL = 5.0  # seconds, over which the rate of events is measured
USAGE_INTERVAL = 10.0  # seconds between two measurements of the processes, for the database


class Observer:
    """Reads what the fleet and the writer count, and changes nothing there."""

    def __init__(
        self, fleet: Fleet, writer: WriterLink, numbers: DaemonNumbers, disks: DiskWatch
    ) -> None:
        """Publish a summary for the writer in `numbers`, where the writers count."""
        self._fleet = fleet
        self._writer = writer
        self._numbers = numbers
        self._disks = disks
        self._started_at = time.time()
        self._fold = Fold(log)
        self._gauge = Gauge()
        self._sampled = fleet.roster.statistics.overview({}, Counts())

    async def run(self, listener: socket.socket | None) -> None:
        """Sample and measure until cancelled; serve the metrics on `listener`, if there is one.

        The tasks fail independently: health depends on the sampling, so a broken metrics server
        must not stop it.
        """
        sampling = self._repeat(self._sample, SAMPLE_INTERVAL, "the nodes' numbers cannot be read")
        measuring = self._repeat(self._measure, USAGE_INTERVAL, "the processes cannot be measured")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sampling)
            tasks.create_task(measuring)
            if listener:
                tasks.create_task(self._serve(listener))

    def overview(self) -> Overview:
        """Return the states of this moment, and the numbers of the last sample."""
        return replace(self._sampled, states=self._fleet.roster.states())

    async def _repeat(
        self, act: Callable[[], Awaitable[None]], seconds: float, failure: str
    ) -> None:
        """Call `act` every so often; log a `failure` and go on."""
        while True:
            try:
                await act()
            except Exception as error:
                why = f"{failure}, the next try is in {seconds:g} s"
                self._fold(logging.ERROR, why, f"{why}: {error}", error=error)
            await asyncio.sleep(seconds)

    async def _sample(self) -> None:
        roster, now = self._fleet.roster, time.monotonic()
        self._sampled = roster.statistics.sample(roster.states(), roster.total(), now)
        summary = self._sampled.summary()
        self._numbers.publish(summary._replace(missing=self._fleet.missing))

    async def _measure(self) -> None:
        at, usages = await self._gauge.measure(list(self._processes()))
        self._writer.offer(pack(Kind.PROCESSES, (at, usages)))

    async def _serve(self, listener: socket.socket) -> None:
        try:
            await ScrapeServer(self._metrics).serve(listener)
        except Exception:
            log.exception("serving the metrics failed; there are none until a restart")

    async def _metrics(self) -> bytes:
        usage = await usage_of(list(self._processes()), descriptors=True)
        roster = self._fleet.roster
        snapshot = Snapshot(
            time.time(),
            self._started_at,
            roster.readings(),
            roster.statistics.overview(roster.states(), roster.total()),
            self._numbers,
            {"writer": self._writer.restarts, "node": self._fleet.restarts},
            usage,
            self._disks.rooms,
        )
        return await render(snapshot)

    def _processes(self) -> Iterator[Role]:
        yield Role("supervisor", "", os.getpid())
        if self._writer.pid is not None:
            yield Role("writer", "", self._writer.pid)
        for node, child in self._fleet.roster.children():
            yield Role("node", str(node.spec.id), child.pid)
