"""The settings of the daemon."""

from dataclasses import dataclass, field

from nodeproc.limits import NodeLimits
from nodeproc.setting import Change, Range, setting
from supervisor.metrics.endpoint import Endpoint, parse_endpoint


@dataclass(frozen=True)
class DaemonSettings:
    """The settings of the supervisor, and the limits that it passes to the node processes."""

    metrics: Endpoint | None = setting(
        parse_endpoint,
        None,
        "Address at which the daemon serves its metrics to Prometheus: `127.0.0.1:9750`, "
        "`[::1]:9750` or `unix:/run/birdwatcher/metrics.sock`; without it, they are not served. "
        "Only an address that no other machine can reach, because no password is asked for.",
        change=Change.RESTART,
    )
    node: NodeLimits = field(default_factory=NodeLimits)
    writer_timeout: float = setting(
        Range(float, 10, 3600),
        "60",
        "Seconds without a heartbeat of the writer before the daemon kills and replaces it ({}).",
    )
