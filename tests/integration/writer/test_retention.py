"""What is kept for a while only: how long, how many, and how little is done at a time."""

import datetime
from collections.abc import Callable

import psycopg
import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.feed.models import Deletion
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket, StatusChange
from birdwatcher.writer import retention
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.models import Checkpoint
from birdwatcher.writer.retention import INTERVAL, ROWS, SOON, Retention
from nodeproc.sources.tcp.receiver import KEPT_REJECTIONS
from nodeproc.states import NodeState
from nodeproc.wire.reasons import Reason
from tests.support.databases import Database
from tests.support.plans import analyze, plan_of
from tests.support.sender import Sender

pytestmark = pytest.mark.usefixtures("database")

SECOND = datetime.timedelta(seconds=1)
MODELS = pytest.mark.parametrize("model", [StatusChange, RejectedPacket])


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_node(port: int = 1) -> Node:
    return Node.objects.create(name=f"node {port}", ip_address="10.0.3.2", port=port)


def make(model: type[Model], node: Node, ages: list[datetime.timedelta]) -> list[int]:
    """Make a row of each age, in this order; return their keys."""
    now = timezone.now()
    fields = {
        StatusChange: {"state": NodeState.CONNECTED.value},
        RejectedPacket: {"reason": Reason.NOT_JSON.value, "size": 1, "raw": b"x"},
    }[model]
    rows = [model(node=node, at=now - age, **fields) for age in ages]
    return [row.pk for row in model.objects.bulk_create(rows)]


def keys(model: type[Model], node: Node | None = None) -> list[int]:
    rows = model.objects.filter(node=node) if node else model.objects.all()
    return list(rows.order_by("pk").values_list("pk", flat=True))


@MODELS
def test_only_the_newest_of_each_node_are_kept(model: type[Model]) -> None:
    many, few, exact = (make_node(port) for port in (1, 2, 3))
    all_of_many = make(model, many, [SECOND] * (model.KEPT + 5))
    all_of_few = make(model, few, [SECOND] * 3)
    all_of_exact = make(model, exact, [SECOND] * model.KEPT)
    Retention().prune()
    assert keys(model, many) == all_of_many[5:]
    assert keys(model, few) == all_of_few
    assert keys(model, exact) == all_of_exact


@MODELS
def test_what_is_too_old_goes_wherever_it_stands(model: type[Model]) -> None:
    node = make_node()
    ages = [model.KEPT_FOR + SECOND, SECOND, model.KEPT_FOR - 10 * SECOND, 2 * model.KEPT_FOR]
    made = make(model, node, [*ages, -model.KEPT_FOR])
    Retention().prune()
    assert keys(model) == [made[1], made[2], made[4]]


def test_checkpoints_go_by_their_last_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHECKPOINTS", 2)
    node, now = make_node(), timezone.now()
    old, young = Checkpoint.KEPT_FOR + SECOND, Checkpoint.KEPT_FOR - 10 * SECOND
    for stream, age in enumerate([old, young, old, old, young, old, young]):
        Checkpoint.objects.create(node=node, stream=stream, sequence=1, updated_at=now - age)
    prune = repeated(Retention)
    prune(2)
    assert set(Checkpoint.objects.values_list("stream", flat=True)) == {1, 4, 5, 6}
    prune(2)
    assert set(Checkpoint.objects.values_list("stream", flat=True)) == {1, 4, 6}
    Checkpoint.objects.filter(stream=1).update(updated_at=now - old)
    prune(4)  # round again
    assert set(Checkpoint.objects.values_list("stream", flat=True)) == {4, 6}


def repeated(make_retention: Callable[[Clock], Retention]) -> Callable[[int], None]:
    """Return a function that prunes so many times, each when it is due."""
    clock = Clock()
    pruner = make_retention(clock)

    def prune(times: int) -> None:
        for _ in range(times):
            pruner.prune()
            clock.now += INTERVAL

    return prune


def test_deletions_go_when_nobody_is_promised_them_any_more() -> None:
    now, kept = timezone.now(), Deletion.KEPT_FOR
    ages = [*[kept + SECOND] * (ROWS + 1), kept - 60 * SECOND, kept + SECOND, 0 * SECOND]
    Deletion.objects.bulk_create(Deletion(xact=0, birds=[1], at=now - age) for age in ages)
    clock = Clock()
    pruning = Retention(clock)
    for left in (4, 2):
        pruning.prune()
        assert Deletion.objects.count() == left
        clock.now += SOON
    assert kept > Deletion.PROMISED_FOR


def test_nodes_are_looked_at_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "NODES", 2)
    monkeypatch.setattr(StatusChange, "KEPT", 3)
    nodes = [make_node(port) for port in range(1, 6)]
    prune = repeated(Retention)
    for _ in range(2):
        for node in nodes:
            make(StatusChange, node, [SECOND] * 5)
        prune(3)
        assert [len(keys(StatusChange, node)) for node in nodes] == [3] * 5


def test_a_call_deletes_a_bounded_number_and_comes_back_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "ROWS", 10)
    monkeypatch.setattr(StatusChange, "KEPT", 3)
    node = make_node()
    make(StatusChange, node, [StatusChange.KEPT_FOR + SECOND] * 15)
    clock = Clock()
    pruner = Retention(clock)
    left = [15 + 28]
    make(StatusChange, node, [SECOND] * 28)
    while left[-1] > 3:
        pruner.prune()
        left.append(StatusChange.objects.count())
        assert left[-2] - left[-1] <= 20  # so many for their age, so many for their number
        clock.now += SOON
    assert len(left) <= 5
    pruner.prune()
    make(StatusChange, node, [SECOND] * 10)
    clock.now += INTERVAL - SOON - 0.1
    pruner.prune()
    assert StatusChange.objects.count() == 13  # not due yet
    clock.now += INTERVAL
    pruner.prune()
    assert StatusChange.objects.count() == 3


def test_when_it_is_not_due_no_query_is_made() -> None:
    pruner = Retention()
    pruner.prune()
    with CaptureQueriesContext(connection) as queries:
        pruner.prune()
    assert len(queries) == 0


def test_it_follows_the_indexes_in_few_queries() -> None:
    nodes = [make_node(port) for port in range(1, 11)]
    for model in (StatusChange, RejectedPacket):
        for node in nodes:
            make(model, node, [SECOND * n for n in range(model.KEPT)])
        make(model, nodes[3], [model.KEPT_FOR + SECOND])
        make(model, nodes[4], [SECOND] * 7)
    analyze()
    with CaptureQueriesContext(connection) as queries:
        Retention().prune()
    said = [q["sql"] for q in queries if q["sql"].startswith(("SELECT", "DELETE"))]
    assert len(said) <= 16
    for sql in said:
        plan = plan_of(sql)
        for table in ("nodes_statuschange", "nodes_rejectedpacket"):
            assert f"Seq Scan on {table}" not in plan, plan
            assert f"SCAN {table}\n" not in f"{plan}\n", plan
    assert StatusChange.objects.count() == 10 * StatusChange.KEPT
    assert RejectedPacket.objects.count() == 10 * RejectedPacket.KEPT


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_rows_of_a_node_that_is_being_deleted_are_passed_over(database: Database) -> None:
    gone, kept = make_node(1), make_node(2)
    make(StatusChange, gone, [StatusChange.KEPT_FOR + SECOND] * 3)
    (young,) = make(StatusChange, kept, [SECOND])
    make(StatusChange, kept, [StatusChange.KEPT_FOR + SECOND])
    with psycopg.connect(database.url) as other:
        other.execute("DELETE FROM nodes_statuschange WHERE node_id = %s", [gone.pk])
        Retention().prune()
        assert keys(StatusChange, kept) == [young]
        other.rollback()
    Retention().prune()
    assert keys(StatusChange) == [young]


def test_more_can_be_deleted_at_once_than_grows_between_two_trims() -> None:
    """A trim comes when as many rows as are kept were added, by a commit of at most as many."""
    assert 2 * max(StatusChange.KEPT, RejectedPacket.KEPT) <= ROWS


def flood(sender: Sender, ledger: Ledger, *, commits: int, frames: int) -> int:
    """Commit states that change with every frame, and garbage; return the most rows at any time."""
    most = 0
    for _ in range(commits):
        for number in range(frames):
            sender.status((NodeState.CONNECTED, NodeState.BACKING_OFF)[number % 2])
            sender.batch(0, rejected=KEPT_REJECTIONS)
        ledger.commit(sender.rest())
        most = max(most, StatusChange.objects.count() + RejectedPacket.objects.count())
    return most


def test_in_a_storm_the_tables_stay_bounded_without_a_pruning() -> None:
    sender, ledger = Sender(), Ledger()
    sender.batch()
    ledger.commit(sender.resend())
    bound = 2 * (StatusChange.KEPT + RejectedPacket.KEPT)
    assert flood(sender, ledger, commits=12, frames=60) <= bound
    assert flood(sender, ledger, commits=2, frames=3_000) <= bound
    status = NodeStatus.objects.get()
    assert status.rejected == (12 * 60 + 2 * 3_000) * KEPT_REJECTIONS
    newest = StatusChange.objects.filter(node=sender.node).first()
    assert newest is not None
    assert newest.state == status.state == NodeState.BACKING_OFF


def test_a_trim_takes_a_few_queries_whatever_it_deletes() -> None:
    sender, ledger = Sender(), Ledger()
    sender.batch()
    ledger.commit(sender.resend())
    for _ in range(2):
        for _ in range(RejectedPacket.KEPT // KEPT_REJECTIONS + 1):
            sender.batch(0, rejected=KEPT_REJECTIONS)
        with CaptureQueriesContext(connection) as queries:
            ledger.commit(sender.rest())
    deletes = [q["sql"] for q in queries if q["sql"].startswith("DELETE")]
    assert len(deletes) == 1
    assert RejectedPacket.objects.count() == RejectedPacket.KEPT
