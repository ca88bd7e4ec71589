"""The bounds of a node process."""

from dataclasses import dataclass

DRAIN_SHARE = 0.4  # of the time to stop, for the last acknowledgements


@dataclass(frozen=True)
class NodeLimits:
    """The bounds of a node process; all may change while it runs."""

    max_packet_bytes: int = 64 * 1024  # from the node's next connection on
    connect_timeout: float = 2.5  # seconds
    backoff_cap: float = 3.0  # seconds
    stall_timeout: float = 30.0  # seconds without a byte in the middle of a packet
    retained_bytes: int = 1024 * 1024  # unacknowledged, before it stops reading the socket
    spool_bytes: int = 64 * 1024 * 1024  # in the spool of one node
    spool_total_bytes: int = 1024 * 1024 * 1024  # in all spools together
    stop_timeout: float = 10.0  # seconds from the first signal to the last process's end

    @property
    def drain_timeout(self) -> float:
        """Seconds that a stopped node process waits for acknowledgements."""
        return self.stop_timeout * DRAIN_SHARE
