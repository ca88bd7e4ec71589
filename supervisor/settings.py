"""The settings of the daemon."""

from dataclasses import dataclass, field

from nodeproc.limits import NodeLimits
from nodeproc.setting import Change, Range, setting
from supervisor.metrics.endpoint import Endpoint, parse_endpoint

TIB = 1024**4


@dataclass(frozen=True)
class DiskLimits:
    """How much room must be left on the disks of the database, the spools and the state."""

    disk_warning_bytes: int = setting(
        Range(int, 0, TIB),
        "1073741824",
        "Free bytes on a disk that the daemon uses, below which `health` warns ({}); on a disk of "
        "less than 10 GiB, below a tenth of it.",
    )
    disk_critical_bytes: int = setting(
        Range(int, 0, TIB),
        "268435456",
        "Free bytes on a disk that the daemon uses, below which nothing is read from the nodes "
        "({}); on a disk of less than 5 GiB, below a twentieth of it. With 0 they are always read.",
    )


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
    disks: DiskLimits = field(default_factory=DiskLimits)
    writer_timeout: float = setting(
        Range(float, 10, 3600),
        "60",
        "Seconds without a heartbeat of the writer before the daemon kills and replaces it ({}).",
    )
