"""The settings of the daemon."""

from dataclasses import dataclass, field

from nodeproc.limits import NodeLimits
from nodeproc.setting import Change, Range, setting
from supervisor.metrics.endpoint import Endpoint, parse_endpoint


@dataclass(frozen=True)
class DaemonSettings:
    """What the supervisor keeps to, and the limits that it hands to the node processes."""

    metrics: Endpoint | None = setting(
        parse_endpoint,
        None,
        "Where the daemon serves its metrics to Prometheus: `127.0.0.1:9750`, `[::1]:9750` or "
        "`unix:/run/birdwatcher/metrics.sock`; nowhere if it is not set. Only addresses that no "
        "other machine reaches, because no password is asked for.",
        change=Change.RESTART,
    )
    node: NodeLimits = field(default_factory=NodeLimits)
    writer_timeout: float = setting(
        Range(float, 10, 3600),
        "60",
        "Seconds without a sign of life after which the writer is killed and replaced ({}).",
    )
