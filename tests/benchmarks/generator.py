"""The load generator: a process of its own that sends what was rendered before.

`python -m tests.benchmarks.generator PATH PORT` listens for its orders at the Unix socket PATH and
for the daemon at PORT. An order is a tuple of a method's name and its arguments; each is answered,
with that name, when it is carried out.
"""

import math
import select
import sys
import time
from multiprocessing.connection import Connection, Listener

from tests.benchmarks.events import address, frames
from tests.benchmarks.field import Field

CHUNK = 128 * 1024  # bytes given to one socket before it is the next one's turn
GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
TICK = 0.001  # seconds: what is due within so short a time is sent together


class Generator:
    """Carries out orders, one at a time, and accepts whoever calls meanwhile."""

    def __init__(self, orders: Connection, port: int) -> None:
        self._orders = orders
        self._field = Field(port)
        self._poll = select.epoll()
        self._poll.register(self._field, select.EPOLLIN)
        self._poll.register(orders, select.EPOLLIN)
        self._addresses: dict[int, str] = {}  # by descriptor
        self._frames: dict[str, list[bytes]] = {}
        self._blobs: dict[str, bytes] = {}
        self._unsent: dict[str, memoryview] = {}
        self._wanted = math.inf  # connections that are waited for
        self._rate = 0.0  # events a second, of all nodes together
        self._began = 0.0
        self._sent = 0  # events, since the rate was set
        self._done = False

    def run(self) -> None:
        """Serve until whoever gives the orders is gone."""
        while not self._done:
            for descriptor, event in self._poll.poll(self._patience()):
                self._serve(descriptor, event)
            self._send_what_is_due()

    def _patience(self) -> float | None:
        if not self._rate:
            return None
        return max(self._began + self._sent / self._rate - time.monotonic(), TICK)

    def _serve(self, descriptor: int, event: int) -> None:
        if descriptor == self._orders.fileno():
            self._obey()
        elif descriptor == self._field.fileno():
            self._accept()
        elif event & GONE:
            self._forget(descriptor)
        else:
            self._push(descriptor, self._addresses[descriptor])

    def _obey(self) -> None:
        try:
            name, *arguments = self._orders.recv()
        except (EOFError, ConnectionResetError):
            self._done = True
        else:
            getattr(self, name)(*arguments)

    def _accept(self) -> None:
        for called in self._field.meet():
            descriptor = self._field.connections[called].fileno()
            self._addresses[descriptor] = called
            self._poll.register(descriptor, select.EPOLLRDHUP)
        if len(self._field.connections) >= self._wanted:
            self._orders.send(("connected", max(self._field.accepted_at.values())))
            self._wanted = math.inf

    def _forget(self, descriptor: int) -> None:
        name = self._addresses.pop(descriptor)
        self._field.forget(name)
        self._unsent.pop(name, None)

    # Orders

    def render(self, nodes: int, events: int) -> None:
        """Have `events` packets ready for each of so many nodes."""
        rendered = frames(events)
        blob = b"".join(rendered)
        self._frames = {address(number): rendered for number in range(nodes)}
        self._blobs = dict.fromkeys(self._frames, blob)
        self._orders.send(("render", len(blob) * nodes))

    def connected(self, count: int) -> None:
        """Answer with the time of the last connection when there are so many, monotonic seconds."""
        self._wanted = count
        self._accept()

    def flood(self) -> None:
        """Send everything as fast as the nodes' clients take it; answer with begin and end."""
        self._began = time.monotonic()
        self._unsent = {name: memoryview(blob) for name, blob in self._blobs.items()}
        for name in self._unsent:
            descriptor = self._field.connections[name].fileno()
            self._poll.modify(descriptor, select.EPOLLRDHUP | select.EPOLLOUT)

    def pace(self, rate: float) -> None:
        """Send so many events a second, of one connected node after the other; answer how many were
        sent at the pace that ends with this."""
        self._orders.send(("pace", self._sent))
        self._rate, self._sent, self._began = rate, 0, time.monotonic()

    # Sending

    def _push(self, descriptor: int, name: str) -> None:
        rest = self._unsent[name]
        try:
            rest = rest[self._field.connections[name].send(rest[:CHUNK]) :]
        except OSError:  # full after all; or whoever it was has just gone, as the poll will tell
            return
        self._unsent[name] = rest
        if rest:
            return
        self._poll.modify(descriptor, select.EPOLLRDHUP)
        del self._unsent[name]
        if not self._unsent:
            self._orders.send(("flood", (self._began, time.monotonic())))

    def _send_what_is_due(self) -> None:
        if not self._rate:
            return
        due = math.floor((time.monotonic() - self._began) * self._rate)
        nodes = list(self._field.connections)
        while self._sent < due:
            name = nodes[self._sent % len(nodes)]
            packets = self._frames[name]
            self._field.connections[name].send(packets[self._sent // len(nodes) % len(packets)])
            self._sent += 1


if __name__ == "__main__":
    with Listener(sys.argv[1]) as listener, listener.accept() as connection:
        Generator(connection, int(sys.argv[2])).run()
