"""The load generator, as a benchmark uses it."""

import contextlib
import time
from collections.abc import Iterator
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from tests.support.processes import Processes
from tests.support.waiting import STARTING, wait_until

RENDERING = 60.0  # seconds
CONNECTING = 120.0
SENDING = 300.0


class Load:
    """Gives the orders; every answer has a deadline."""

    def __init__(self, orders: Connection, port: int) -> None:
        self._orders = orders
        self.port = port

    def _ask(self, *order: Any) -> None:
        self._orders.send(order)

    def _answer(self, order: str, within: float) -> Any:
        """Return the answer to this order, passing over those that nobody waited for."""
        deadline = time.monotonic() + within
        while self._orders.poll(max(deadline - time.monotonic(), 0)):
            answered, value = self._orders.recv()
            if answered == order:
                return value
        raise TimeoutError(f"the load generator did not {order} within {within:g} s")

    def render(self, nodes: int, events: int) -> int:
        """Have `events` packets ready for each node; return their bytes, all together."""
        self._ask("render", nodes, events)
        return self._answer("render", RENDERING)

    def connected(self, count: int) -> float:
        """Wait until so many nodes are called; return when the last one was, monotonic seconds."""
        self._ask("connected", count)
        return self._answer("connected", CONNECTING)

    def flood(self) -> None:
        """Send everything that was rendered, as fast as it is taken; `flooded` waits for that."""
        self._ask("flood")

    def flooded(self) -> tuple[float, float]:
        """Return when the first byte was sent, and when the last one was taken."""
        return self._answer("flood", SENDING)

    def pace(self, rate: float) -> int:
        """From now on send so many events a second, of all nodes together; 0 stops.

        Returns how many were sent at the pace before.
        """
        self._ask("pace", rate)
        return self._answer("pace", SENDING)


@contextlib.contextmanager
def generator(
    processes: Processes, directory: Path, env: dict[str, str], port: int
) -> Iterator[Load]:
    """Start the load generator at a port; stop it at the end."""
    path = directory / f"orders-{port}"
    arguments = ("-m", "tests.benchmarks.generator", str(path), str(port))
    program = processes.python(*arguments, env=env)

    def call() -> Connection | None:
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return Client(str(path))
        return None

    orders = wait_until(call, timeout=STARTING, message=program.text)
    try:
        with orders:
            yield Load(orders, port)
    finally:
        program.wait()  # it ends with the connection
