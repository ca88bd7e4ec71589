"""From a node saved in the admin to the call at its new address, while the daemon is under load.

Saved is what is committed: the admin's own work before that, and after, is told beside it.
"""

import contextlib
import statistics
import time
from collections.abc import Iterator

from django.db import transaction
from django.db.models.signals import post_save
from django.test import Client
from django.urls import reverse

from birdwatcher.nodes.models import Node
from tests.benchmarks.bench import Bench, add_nodes, keeper, wait_until_settled
from tests.benchmarks.events import address
from tests.benchmarks.field import Field
from tests.benchmarks.results import NOTHING, Result, Row
from tests.support.waiting import wait_until

LOADED = 50  # nodes that stream meanwhile
PACE = 5_000.0  # events a second, all of them together
EVENTS = 1_000
CHANGES = 120
PAUSE = 0.1  # seconds between two changes
BARS = {"sqlite": 500.0, "postgresql": 300.0}  # milliseconds
PATIENCE = 60.0  # seconds


def measure(bench: Bench, vendor: str) -> Result:
    """Move one node again and again, through the admin's own form."""
    field = Field(bench.port())
    with bench.load() as load, bench.database(vendor) as database:
        load.render(LOADED, EVENTS)
        add_nodes(LOADED, load.port)
        (moved,) = add_nodes(1, field.port, LOADED)
        with bench.daemon(database):
            load.connected(LOADED)
            field.wait_for(1, PATIENCE)
            wait_until_settled(LOADED + 1)
            client = keeper()
            load.pace(PACE)
            samples = [_move(client, moved, field, number) for number in range(CHANGES)]
            load.pace(0)
    field.close()
    reacted = [seconds * 1e3 for seconds, _ in samples]
    saving = [seconds * 1e3 for _, seconds in samples]
    p99, saving_p99 = (statistics.quantiles(it, n=100)[98] for it in (reacted, saving))
    row = Row(
        f"reaction, node saved in the admin to the call at it, p99, at {PACE:,.0f} events/s",
        vendor,
        f"{p99:.0f} ms, p50 {statistics.median(reacted):.0f} ms",
        NOTHING,
        p99,
        "ms",
        BARS[vendor],
    )
    p50 = statistics.median(saving)
    return Result([row], [f"to save it took the admin p50 {p50:.0f} ms, p99 {saving_p99:.0f} ms"])


def _move(client: Client, node: Node, field: Field, number: int) -> tuple[float, float]:
    """Move the node; return the seconds from its commit to the call, and those from the sending of
    the form to the commit."""
    time.sleep(PAUSE)
    target = address(1_000 + number)
    form = {"name": node.name, "ip_address": target, "port": node.port, "enabled": "on"}
    began = time.monotonic()
    with _commits() as commits:
        answer = client.post(reverse("admin:nodes_node_change", args=[node.pk]), form)
    if answer.status_code != 302:
        raise AssertionError(f"the admin did not save it: {answer.content.decode()[:2000]}")
    wait_until(
        lambda: target in [*field.meet(), *field.connections],
        timeout=PATIENCE,
        message=f"a call at {target}",
    )
    return field.accepted_at[target] - commits[0], commits[0] - began


@contextlib.contextmanager
def _commits() -> Iterator[list[float]]:
    """Collect when transactions that saved a node are committed, monotonic seconds."""
    moments: list[float] = []

    def saved(**_: object) -> None:
        transaction.on_commit(lambda: moments.append(time.monotonic()))

    post_save.connect(saved, sender=Node)
    try:
        yield moments
    finally:
        post_save.disconnect(saved, sender=Node)
