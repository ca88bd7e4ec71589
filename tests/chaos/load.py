"""The load: many nodes that send all the time, in a thread of their own.

A thread and not a process, so that the test sees at once what was sent; the faults are injected,
and waited for, in the main thread meanwhile.
"""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.chaos import queues
from tests.chaos.detector import Detector
from tests.support.waiting import wait_until

OBSERVING = 0.05  # seconds between two observations of what the daemon has read
CALLING = 30.0  # seconds in which the load's loop does what it is asked

T = TypeVar("T")


class Load:
    """Runs the detectors."""

    def __init__(self, detectors: Sequence[Detector], reader: int | None = None) -> None:
        """`reader`: a process in the daemon's network, if that is not this process's."""
        self.detectors = detectors
        self.reader = reader
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """Listen, and talk to whoever comes."""
        self._thread.start()
        self.call(lambda: [detector.listen() for detector in self.detectors])

    def stop(self) -> None:
        """End every connection and the thread; raise what went wrong in it."""
        if self._thread.is_alive():
            self.call(lambda: [detector.close() for detector in self.detectors])
            self._loop.call_soon_threadsafe(self._observing.cancel)
            self._thread.join(CALLING)
        self._loop.close()
        for detector in self.detectors:
            if detector.failure:
                raise detector.failure

    def call(self, function: Callable[[], T]) -> T:
        """Run `function` in the loop and return its result."""
        result: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            try:
                result.set_result(function())
            except BaseException as error:
                result.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return result.result(CALLING)

    def label(self, label: int) -> None:
        """Label what is sent from now on."""
        for detector in self.detectors:
            detector.label = label

    def hush(self) -> None:
        """Send nothing new; what is begun is sent to its end."""
        self.call(lambda: [detector.hush() for detector in self.detectors])

    def speak(self) -> None:
        """Send again."""
        self.call(lambda: [detector.speak() for detector in self.detectors])

    def wait_until_all_is_read(self, timeout: float) -> None:
        """Wait until the daemon has read everything sent over the connections that are up."""
        wait_until(
            lambda: self.call(self._all_read),
            timeout=timeout,
            message="the daemon reads what was sent",
        )

    def _all_read(self) -> bool:
        self._observe()
        return all(it.all_read for detector in self.detectors for it in detector.open())

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._observing = self._loop.create_task(self._observe_forever())
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._observing)

    async def _observe_forever(self) -> None:
        while True:
            self._observe()
            await asyncio.sleep(OBSERVING)

    def _observe(self) -> None:
        connections = [it for detector in self.detectors for it in detector.open()]
        acknowledged = [it.acknowledged() for it in connections]
        unread = queues.unread(self.reader)
        for connection, count in zip(connections, acknowledged, strict=True):
            connection.observe(count, unread)
