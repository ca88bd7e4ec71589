"""All nodes of a soak, served by one loop: the test's own process, and no thread."""

import select
import time
from collections.abc import Callable, Sequence

from birdwatcher.nodes.models import Node
from tests.soak.flapper import Flapper
from tests.support.waiting import DeadlineMissedError

TURN = 0.1  # seconds that may pass between two looks at what else is to be done


class Field:
    """Flappers, each with the row of the node table that makes the daemon connect to it."""

    def __init__(self, flappers: Sequence[Flapper]) -> None:
        self.flappers = list(flappers)
        self.nodes = [
            Node.objects.create(name=f"Flapper {number}", ip_address=it.host, port=it.port)
            for number, it in enumerate(self.flappers)
        ]

    @property
    def cycles(self) -> int:
        """How many connections all of them have ended."""
        return sum(flapper.cycles for flapper in self.flappers)

    def calm_down(self) -> None:
        """From now on every node keeps its connection."""
        for flapper in self.flappers:
            flapper.calm_down()

    def go_on(self) -> None:
        """From now on they come and go again."""
        for flapper in self.flappers:
            flapper.go_on()

    def turn(self) -> None:
        """Wait until a node has something to do, for a moment at most, and have it done."""
        now = time.monotonic()
        due = min((it.due for it in self.flappers if it.due is not None), default=now + TURN)
        poll = select.poll()
        for flapper in self.flappers:
            if flapper.due is None and flapper.fileno() >= 0:
                poll.register(flapper, select.POLLIN)
        poll.poll(1000 * min(max(due - now, 0.0), TURN))
        now = time.monotonic()
        for flapper in self.flappers:
            flapper.turn(now)

    def until(
        self, condition: Callable[[], object], *, timeout: float, message: Callable[[], str]
    ) -> None:
        """Let the nodes go on until `condition`. Raises DeadlineMissedError."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise DeadlineMissedError(f"not within {timeout:g} s: {message()}")
            self.turn()

    def close(self) -> None:
        """Close every socket."""
        for flapper in self.flappers:
            flapper.close()
