"""The bounds of a node process."""

from dataclasses import dataclass

from nodeproc.networks import parse_networks
from nodeproc.setting import Range, setting

DRAIN_SHARE = 0.4  # of the time to stop, for the last acknowledgements
END_SHARE = 0.8  # of it, after which a process ends even if it can neither commit nor spool
MIB = 1024 * 1024
MAX_EVENTS_PER_SECOND = 1_000_000  # more than a process can read


@dataclass(frozen=True)
class NodeLimits:
    """The bounds of a node process, which may all change while it runs.

    The longest packet is that of the node's next connection.
    """

    max_packet_bytes: int = setting(
        Range(int, 2, 16 * MIB),
        "65536",
        "Longest packet that a node may send, in bytes ({}); a longer one closes its connection.",
    )
    max_events_per_second: int = setting(
        Range(int, 1, MAX_EVENTS_PER_SECOND),
        "2500",
        "Events a second that are read from one node ({}), over more than ten seconds; a node that "
        "sends more has to wait. A node can have a limit of its own.",
    )
    # Linux asks a node that does not answer at 0, 1, 3 and 7 seconds. With 8, the last of these has
    # a second for its answer; a link of 1.5 s one way has answered the first after 3; and a node
    # that comes back is asked again within 4.
    connect_timeout: float = setting(
        Range(float, 0.1, 60), "8", "Seconds that connecting to a node may take ({})."
    )
    node_networks: tuple[str, ...] = setting(
        parse_networks,
        "0.0.0.0/0,::/0",
        "Networks in which nodes may be, separated by commas. Link-local addresses, where cloud "
        "metadata services answer (169.254.0.0/16, fe80::/10, fd00:ec2::254), are refused unless a "
        "network within these is named.",
    )
    backoff_cap: float = setting(
        Range(float, 0.1, 3600),
        "3",
        "Longest pause, in seconds, before the daemon tries a node again ({}).",
    )
    stall_timeout: float = setting(
        Range(float, 0.1, 3600),
        "30",
        "Seconds without a byte in the middle of a packet before the daemon disconnects ({}).",
    )
    packet_timeout: float = setting(
        Range(float, 0.1, 3600),
        "60",
        "Seconds that one packet may take, from its first byte to its last, before the daemon "
        "disconnects ({}).",
    )
    retained_bytes: int = setting(
        Range(int, 64 * 1024, 1024 * MIB),
        "1048576",
        "Bytes of events that each node's process keeps in memory until they are committed ({}).",
    )
    spool_bytes: int = setting(
        Range(int, 64 * 1024, 1024 * 1024 * MIB),
        "67108864",
        "Bytes that each node's spool may hold while nothing can be committed ({}); beyond that, "
        "the node has to wait.",
    )
    spool_total_bytes: int = setting(
        Range(int, 64 * 1024, 1024 * 1024 * MIB),
        "1073741824",
        "Bytes that all spools together may hold ({}), plus at most 1 MiB per node.",
    )
    spool_reserve_bytes: int = setting(
        Range(int, 0, 1024 * 1024 * MIB),
        "134217728",
        "Bytes of the disk that are kept free for the end, when what is in memory has to be "
        "spooled ({}); at most a quarter of the room that the disk has. If they are few for many "
        "nodes, each process keeps less in memory.",
    )
    aside_days: float = setting(
        Range(float, 0, 3650),
        "7",
        "Days for which the spool of a node that has no row any more is kept ({}): it may come "
        "back. Damaged files are kept for 90 days.",
    )
    aside_bytes: int = setting(
        Range(int, 0, 1024 * 1024 * MIB),
        "1073741824",
        "Bytes that all files which were set aside may have together ({}); beyond that, the oldest "
        "are removed.",
    )
    vanished_wait: float = setting(
        Range(float, 0, 86_400),
        "300",
        "Seconds for which the daemon goes on with nodes of which most vanish from the database "
        "together ({}), and after which the spool of a node without a row is set aside.",
    )
    stop_timeout: float = setting(
        Range(float, 0.1, 3600),
        "10",
        "Seconds that the daemon may take to stop before its processes are killed ({}).",
    )

    @property
    def drain_timeout(self) -> float:
        """Seconds that a stopped node process waits for acknowledgements."""
        return self.stop_timeout * DRAIN_SHARE

    @property
    def end_timeout(self) -> float:
        """Seconds after which a stopped node process ends, whatever it has to give up."""
        return self.stop_timeout * END_SHARE
