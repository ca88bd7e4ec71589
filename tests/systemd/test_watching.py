"""How the daemon tells of itself: journal, health, metrics, out of memory."""

import contextlib
import http.client
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.pace import Pace
from tests.support.processes import is_alive
from tests.support.waiting import wait_until
from tests.systemd.field import PACES, RECOVERING, Field
from tests.systemd.service import OWN, Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

ROOM = 32 << 20  # bytes
ANSWERING = 30  # seconds
METRICS = "/run/birdwatcher/metrics.sock"
COUNTS = """
import contextlib
import http.client
import json
import socket
from birdwatcher.birds.models import Bird
print(json.dumps({node: Bird.objects.filter(node_id=node).count() for node in range(1, 6)}))
"""


def test_journal(sqlite: Service, field: Callable[[Service], Field]) -> None:
    """What went wrong can be told from what is well, and one node from another."""
    nodes = field(sqlite)
    nodes.load.call(nodes.detectors[-1].refuse)
    sqlite.start()
    sqlite.wait_for_log("connection refused")
    entries = list(sqlite.entries(OWN))
    assert {entry["SYSLOG_IDENTIFIER"] for entry in entries} == {"birdwatcher"}
    assert {"writer", "node"} <= {entry["PROCESS"] for entry in entries}
    assert {entry["PRIORITY"] for entry in entries} >= {"4", "6"}

    warnings = sqlite.log("--priority=warning")
    assert "connection refused" in warnings
    assert "serving the database" not in warnings
    away = nodes.detectors[-1].row
    of_node = list(sqlite.entries(f"NODE={away}"))
    assert any("connection refused" in entry["MESSAGE"] for entry in of_node)
    assert {entry["NODE"] for entry in of_node} == {str(away)}


def test_health(postgresql: Service, field: Callable[[Service], Field]) -> None:
    nodes = field(postgresql)
    postgresql.start()
    nodes.wait_until_connected()
    nodes.wait_for_traffic()

    def health() -> tuple[int, str]:
        done = postgresql.command("health", check=False)
        return done.returncode, done.stdout

    ok = f"OK: {len(PACES)} nodes, {len(PACES)} connected"
    wait_until(
        lambda: (said := health()) and said[0] == 0 and said[1].startswith(ok),
        timeout=30,
        message=lambda: f"{ok}, and not {health()}",
    )
    with postgresql.without_database():
        code, line = health()
        assert (code, line.split(":")[0]) == (2, "CRITICAL")
    postgresql.wait_for("StatusText", f"{len(PACES)} nodes, .*")  # else it ends without a word
    postgresql.stop()
    code, line = health()
    assert (code, line.split(":")[0]) == (2, "CRITICAL")
    assert "stopped" in line


def scrape(service: Service) -> str:
    """Return the page of the metrics."""
    connection = http.client.HTTPConnection("localhost", timeout=ANSWERING)
    connection.sock = socket.socket(socket.AF_UNIX)
    with contextlib.closing(connection):
        connection.sock.connect(str(service.machine.path(METRICS)))
        connection.request("GET", "/metrics", headers={"Connection": "close"})
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()


def received(service: Service) -> dict[str, float]:
    """Return how many events each node has sent, as the metrics have it."""
    return {
        sample.labels["node"]: sample.value
        for family in text_string_to_metric_families(scrape(service))
        for sample in family.samples
        if sample.name == "birdwatcher_node_events_received_total"
    }


def stored(service: Service) -> dict[str, int]:
    """Return how many birds of each node the database holds."""
    return json.loads(service.python(COUNTS))


def test_metrics(sqlite: Service, field: Callable[[Service], Field]) -> None:
    """On a Unix socket, in Prometheus' own words, they say what the database says."""
    sqlite.configure(BIRDWATCHER_METRICS=f"unix:{METRICS}")
    nodes = field(sqlite)
    sqlite.start()
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    nodes.load.hush()
    nodes.load.wait_until_all_is_read(RECOVERING)
    wait_until(
        lambda: received(sqlite) == stored(sqlite),
        timeout=RECOVERING,
        message=lambda: f"the metrics say {received(sqlite)}, the database {stored(sqlite)}",
    )
    assert sum(stored(sqlite).values()) > 0


def test_out_of_memory(sqlite: Service, field: Callable[[Service], Field]) -> None:
    """A node process that takes more than there is is killed, and replaced; it alone.

    Node processes go first, since nodes can be connected again; the supervisor goes last.
    """
    sqlite.configure(
        BIRDWATCHER_RETAINED_BYTES=1 << 30,
        BIRDWATCHER_SPOOL_BYTES=65536,
        BIRDWATCHER_SPOOL_RESERVE_BYTES=0,
        BIRDWATCHER_MAX_EVENTS_PER_SECOND=1_000_000,
    )
    nodes = field(sqlite)
    greedy = nodes.detectors[0]
    greedy.pace = Pace.FLOOD
    sqlite.start()
    nodes.wait_until_connected()
    before = sqlite.daemon.titles().keys()
    scores = {pid: int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in before}
    supervisor, writer = scores.pop(sqlite.daemon.pid), scores.pop(sqlite.writer())
    # Less than 0 only where systemd itself may do that.
    assert supervisor <= 0 < writer < min(scores.values())

    process = sqlite.daemon.nodes()[greedy.row].pid
    with sqlite.without_database(), nodes.doomed(greedy):
        sqlite.limit_memory(int(sqlite.show("MemoryCurrent")) + ROOM)
        wait_until(sqlite.out_of_memory, timeout=90, message=lambda: f"killed; {sqlite.status()}")
        sqlite.limit_memory(None)
        wait_until(lambda: not is_alive(process), timeout=10, message="it is gone")
        assert before - sqlite.daemon.titles().keys() == {process}
    nodes.wait_until_connected()
    assert sqlite.show("NRestarts") == "0"
