"""What this machine and this database offer to break."""

import dataclasses

from tests.chaos.disk import SmallDisk
from tests.chaos.netns import Namespace
from tests.support.postgres import PostgresCluster


@dataclasses.dataclass
class Means:
    """None for what they do not offer."""

    cluster: PostgresCluster | None = None  # the server, which may be stopped
    disk: SmallDisk | None = None  # holds the database and the spools
    namespace: Namespace | None = None  # holds some of the nodes
