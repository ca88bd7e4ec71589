"""Changes the node table, and kills processes, while the nodes flap."""

import contextlib
import random
import time
from collections.abc import Callable

import psutil

from tests.soak.field import Field
from tests.support.daemon import Daemon
from tests.support.ports import PortBlock

INTERVAL = 5.0  # seconds between two deeds


class Gardener:
    """Does one deed after the other, always to the same third of the nodes.

    The others keep their first process, so that what grows in it has time to show.
    """

    def __init__(self, field: Field, daemon: Daemon, ports: PortBlock, seed: int) -> None:
        self.kills_writer = True
        self._field = field
        self._daemon = daemon
        self._ports = ports
        self._random = random.Random(seed)  # noqa: S311
        self._beds = range(0, len(field.nodes), 3)
        self._due = 0.0
        self._deeds: list[Callable[[int], None]] = [
            self._kill, self._rename, self._move, self._replace, self._kill_writer,
        ]  # fmt: skip
        self.deeds = 0
        self.killed = 0

    def turn(self) -> None:
        """Do the next deed if it is time for one."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + INTERVAL
        deed = self._deeds[self.deeds % len(self._deeds)]
        deed(self._beds[self.deeds // len(self._deeds) % len(self._beds)])
        self.deeds += 1

    def _kill(self, bed: int) -> None:
        node = self._daemon.nodes().get(self._field.nodes[bed].pk)
        if node:
            self._end(node.pid)

    def _rename(self, bed: int) -> None:
        node = self._field.nodes[bed]
        node.name = f"{node.name.split(',')[0]}, renamed {self.deeds}"
        node.save()

    def _move(self, bed: int) -> None:
        node, flapper = self._field.nodes[bed], self._field.flappers[bed]
        flapper.move(self._ports.take())
        node.port = flapper.port
        node.save()

    def _replace(self, bed: int) -> None:
        """Delete the node, and make another one that listens on the same port."""
        old = self._field.nodes[bed]
        old.delete()
        old.pk = None
        old.save(force_insert=True)

    def _kill_writer(self, _: int) -> None:
        if self.kills_writer and (writer := self._daemon.writer()):
            self._end(writer)

    def _end(self, pid: int) -> None:
        self.killed += 1
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
