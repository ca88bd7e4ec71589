"""A changed configuration is taken up without a restart, and without a disconnection."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from birdwatcher.health.examination import examine
from birdwatcher.nodes.models import Node, NodeStatus
from nodeproc.wire.reasons import Reason
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database
from tests.support.fieldnode import FieldNode
from tests.support.hangup import hang_up_while_it_starts
from tests.support.packets import packet
from tests.support.park import Park
from tests.support.waiting import STARTING, Promise, wait_until

pytestmark = pytest.mark.parametrize("database", [SQLITE], indirect=True)


class Configured:
    """A park whose daemon reads its configuration from a file."""

    def __init__(self, park: Park, file: Path) -> None:
        self.park = park
        self.file = file

    def reload(self, text: str, says: str) -> None:
        """Write the file anew, reload, and wait until the log says so."""
        before = len(self.park.daemon.text())
        self.file.write_text(text)
        self.park.daemon.send(signal.SIGHUP)
        wait_until(
            lambda: re.search(says, self.park.daemon.text()[before:]),
            timeout=STARTING,
            message=lambda: f"{says!r} in\n{self.park.daemon.text()[before:]}",
        )


@pytest.fixture
def configured(
    database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    promise: Promise,
    tmp_path: Path,
) -> Configured:
    file = tmp_path / "birdwatcher.env"
    file.write_text("BIRDWATCHER_BACKOFF_CAP=60\n")
    # The database is where it is without being named, so that the file can name another.
    daemon = start_daemon(database, BIRDWATCHER_ENV_FILE=str(file), DATABASE_URL="")
    return Configured(Park(database, daemon, field_node, promise), file)


def test_limits_change_at_once(configured: Configured) -> None:
    park = configured.park
    station = park.add("Dartmoor")
    configured.reload(
        "BIRDWATCHER_BACKOFF_CAP=0.5\nBIRDWATCHER_MAX_PACKET_BYTES=200\n",
        r"(?s)BIRDWATCHER_MAX_PACKET_BYTES: 65536 -> 200.*BIRDWATCHER_BACKOFF_CAP: 60.0 -> 0.5.*"
        "SIGHUP: reloaded",
    )
    assert "takes a restart" not in park.daemon.text()
    park.bystander_noticed_nothing()
    # The new longest packet is that of the next connection; and the back-off grows no further.
    for _ in range(7):
        station.field.drop()
        park.promise("with a short back-off it is there again", station.field.connected, within=1)
    station.field.send_raw(packet(b" " * 300))
    park.daemon.wait_for_line(Reason.TOO_LARGE)
    park.bystander_noticed_nothing()


def test_nodes_are_connected_only_within_the_allowed_networks(configured: Configured) -> None:
    park = configured.park
    # By SQL or by an earlier release: no form would take it.
    forbidden = Node.objects.create(name="Cloud", ip_address="169.254.169.254", port=80)
    station = park.add("Dartmoor")

    def refused(node: Node, why: str) -> None:
        def is_said() -> bool:
            return NodeStatus.objects.filter(node=node, state="refused", error=why).exists()

        wait_until(is_said, timeout=10, message=lambda: f"{why}; {park.daemon.titles()}")
        assert park.daemon.state(node.pk) == "refused"

    at = "169.254.169.254 is a link-local address, where cloud metadata services answer"
    refused(forbidden, f"{at}; BIRDWATCHER_NODE_NETWORKS does not name it")
    assert examine().findings == ["nodes at addresses that are not allowed: 1"]
    park.daemon.wait_for_line(f"Cloud .*: not connected: {at}")
    configured.reload(
        "BIRDWATCHER_NODE_NETWORKS=10.0.0.0/8\n", "(?s)BIRDWATCHER_NODE_NETWORKS: .* reloaded"
    )
    where = "is in none of the networks of BIRDWATCHER_NODE_NETWORKS"
    refused(station.node, f"{station.field.host} {where}")
    park.promise("it is left alone", lambda: not station.field.connected(), within=1)
    configured.reload("BIRDWATCHER_NODE_NETWORKS=127.0.0.0/8\n", "reloaded")
    park.wait_until_connected(station)
    station.field.send(2)
    station.wait_for_birds()
    # A better address takes it out of the state, without a reload.
    Node.objects.filter(pk=forbidden.pk).update(ip_address="127.0.0.1", port=1)
    park.daemon.wait_for_line("Cloud 127.0.0.1:1: connection refused")


def test_the_level_of_the_log_changes_in_every_process(configured: Configured) -> None:
    park = configured.park
    configured.reload("BIRDWATCHER_LOG_LEVEL=ERROR\n", "BIRDWATCHER_LOG_LEVEL: INFO -> ERROR")
    # The writer may read of this node before it hears of its level; not commit what it says.
    first = park.add("Dartmoor")
    wait_until(
        lambda: NodeStatus.objects.filter(node=first.id, state="connected").exists(),
        timeout=10,
        message="the writer has taken what came behind its new level",
    )
    quiet = len(park.daemon.text())
    second = park.add("Lydford")
    second.field.send(1)
    second.wait_for_birds()
    assert park.daemon.text()[quiet:] == ""
    configured.reload("BIRDWATCHER_LOG_LEVEL=INFO\n", "SIGHUP: reloaded")
    park.add("Exmoor")
    park.daemon.wait_for_line("Exmoor .*: connected")
    # The writer may have read of the last node and of its new level in one go; not of this one.
    park.add("Kielder")
    park.daemon.wait_for_line("writer: enabled nodes: 5")
    park.bystander_noticed_nothing()


@pytest.mark.parametrize(
    "text", ["BIRDWATCHER_BACKOFF_CAP=soon\n", "BIRDWATCHER_BAKCOFF_CAP=2\n", "what?\n"]
)
def test_a_mistake_changes_nothing(configured: Configured, text: str) -> None:
    configured.reload(text, "(?m)not reloaded, everything stays as it was: .*[.?]$")
    configured.park.bystander_noticed_nothing()
    assert "Traceback" not in configured.park.daemon.text()


def test_what_takes_a_restart_is_named_without_its_secrets(configured: Configured) -> None:
    url = "postgresql://birdwatcher:hunter2@db.example.org/birds"
    configured.reload(
        f"DATABASE_URL={url}\nBIRDWATCHER_METRICS=127.0.0.1:9\n",
        "(?s)DATABASE_URL has changed.*BIRDWATCHER_METRICS has changed",
    )
    text = configured.park.daemon.text()
    assert "hunter2" not in text
    configured.park.bystander_noticed_nothing()


def test_a_shorter_patience_holds_for_the_writer_that_runs(configured: Configured) -> None:
    park = configured.park
    configured.reload("BIRDWATCHER_WRITER_TIMEOUT=3600\n", "SIGHUP: reloaded")
    configured.reload("BIRDWATCHER_WRITER_TIMEOUT=10\n", "WRITER_TIMEOUT: 3600.0 -> 10.0")
    hung = park.daemon.writer()
    assert hung is not None
    psutil.Process(hung).suspend()
    wait_until(
        lambda: park.daemon.writer() not in {hung, None},
        timeout=10 + STARTING,
        message=lambda: f"another writer; {park.daemon.text()}",
    )
    park.bystander_noticed_nothing()


def test_a_hangup_while_it_starts_is_kept_and_acted_on(
    database: Database, start_daemon: Callable[..., Daemon]
) -> None:
    daemon = start_daemon(database, up=False)
    hang_up_while_it_starts(daemon.pid, daemon.is_up)
    daemon.wait_for_line("SIGHUP: reloaded")
    assert daemon.stop() == 0
