"""When the state of a node is worth a report."""

import math
import os
import time

from nodeproc.states import CONNECTED_STATES, NodeState, check_transition
from nodeproc.wire.messages import Status

STATUS_INTERVAL = 10.0  # seconds between reports of a state that has not changed


class StateReport:
    """The state of this process, and what of it was reported last."""

    def __init__(self) -> None:
        self.state = NodeState.STARTING
        self.trouble = ""  # why it cannot spool
        self._error = ""  # why it is not connected
        self._reported: tuple[NodeState, str] | None = None
        self._reported_at = 0.0  # monotonic
        self._was_connected = False

    def enter(self, state: NodeState, error: str = "") -> bool:
        """Change the state; return whether it is to be reported now.

        During an outage a try that changes nothing is reported now and then, and not each time.
        """
        check_transition(self.state, state)
        before, self.state, self._error = self.state, state, error
        return not (before is NodeState.BACKING_OFF and state is NodeState.CONNECTING)

    def forget(self) -> None:
        """Report the state once more, even if it has not changed."""
        self._reported_at = -math.inf

    def status(self, next_try: float | None = None) -> Status | None:
        """Return the status to report, None if the last report said the same and is recent."""
        now = (self.state, self._error or self.trouble)
        if now == self._reported and time.monotonic() - self._reported_at < STATUS_INTERVAL:
            return None
        before = self._reported[0] if self._reported else None
        newly = self.state in CONNECTED_STATES and before not in CONNECTED_STATES
        again, self._was_connected = newly and self._was_connected, self._was_connected or newly
        self._reported, self._reported_at = now, time.monotonic()
        return Status(now[0].value, time.time(), os.getpid(), again, now[1], next_try)
