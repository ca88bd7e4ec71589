"""What the database refuses: set aside only if a value is to blame, else mended or waited for."""

import datetime

import django.db
import pytest
from django.db import connection, models

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import NodeStatus, RejectedPacket, StatusChange
from birdwatcher.rollups.models import HourlyCount, HourlyOfNode, HourlyOfSpecies, TotalCount
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.models import Checkpoint
from nodeproc.states import NodeState
from nodeproc.wire.reasons import Reason
from tests.support.counted import counts_agree
from tests.support.databases import POSTGRESQL, Database
from tests.support.sender import MOMENT, Sender

LOADED = 40  # rows of each table


def load(sender: Sender) -> None:
    """Load rows with their keys, as a restore does; sequences know nothing of them."""
    keys = range(1, LOADED + 1)
    hours = [MOMENT - datetime.timedelta(days=key) for key in keys]
    for key in keys:
        Species.objects.create(pk=key, name=f"Loaded {key}")
    rows: dict[type[models.Model], list[models.Model]] = {
        Bird: [
            Bird(pk=key, timestamp=at, name="x", species_id=key, node=sender.node)
            for key, at in zip(keys, hours, strict=True)
        ],
        StatusChange: [
            StatusChange(pk=key, node=sender.node, at=MOMENT, state="x") for key in keys
        ],
        RejectedPacket: [
            RejectedPacket(pk=key, node=sender.node, at=MOMENT, reason="x", size=1, raw=b"")
            for key in keys
        ],
        Checkpoint: [
            Checkpoint(pk=key, node=sender.node, stream=key, sequence=1, updated_at=MOMENT)
            for key in keys
        ],
        HourlyCount: [], HourlyOfNode: [], HourlyOfSpecies: [], TotalCount: [],
    }  # fmt: skip
    for key, at in zip(keys, hours, strict=True):
        hour = at.replace(minute=0, second=0, microsecond=0)
        rows[HourlyCount].append(
            HourlyCount(pk=key, node=sender.node, species_id=key, hour=hour, birds=1)
        )
        rows[HourlyOfNode].append(HourlyOfNode(pk=key, node=sender.node, hour=hour, birds=1))
        rows[HourlyOfSpecies].append(HourlyOfSpecies(pk=key, species_id=key, hour=hour, birds=1))
        rows[TotalCount].append(TotalCount(pk=key, node=sender.node, species_id=key, birds=1))
    for model, some in rows.items():
        model._default_manager.bulk_create(some)


@pytest.mark.parametrize("batches", [[1, 1], [300]])
def test_sequences_behind_rows_are_raised_and_nothing_is_refused(
    database: Database, batches: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    sender, ledger = Sender(), Ledger()
    load(sender)
    for count in batches:
        sender.batch(count, species=f"New in {count}")
        ledger.commit(sender.resend())
    sender.status(NodeState.CONNECTED)
    sender.batch(rejected=2)
    ledger.commit(sender.rest())
    counts_agree()
    assert Bird.objects.count() == LOADED + sum(batches) + 1
    assert NodeStatus.objects.get().rejected == 2
    assert StatusChange.objects.count() == LOADED + 1
    assert ("the sequence of the keys of birds_bird" in caplog.text) == (
        database.vendor == POSTGRESQL
    )
    assert Reason.REFUSED_BY_DATABASE not in caplog.text


STATEMENTS = {
    "unique": ("CREATE UNIQUE INDEX somebodys ON birds_bird (name)", "DROP INDEX somebodys"),
    "lost": (
        "ALTER TABLE writer_checkpoint RENAME TO lost",
        "ALTER TABLE lost RENAME TO writer_checkpoint",
    ),
}


@pytest.mark.parametrize("what", STATEMENTS)
@pytest.mark.parametrize("batches", [1, 20])
def test_what_no_value_is_to_blame_for_is_waited_for(
    database: Database, what: str, batches: int, caplog: pytest.LogCaptureFixture
) -> None:
    sender, ledger = Sender(), Ledger()
    sender.send([(0, "Robin", "#0")])
    ledger.commit(sender.resend())
    for _ in range(batches):
        sender.batch(10)
    frames = sender.rest()
    hinder, mend = STATEMENTS[what]
    with connection.cursor() as cursor:
        cursor.execute(hinder)
        for _ in range(2):
            with pytest.raises(django.db.Error):
                ledger.commit(frames)
        assert Bird.objects.count() == 1
        cursor.execute(mend)
    ledger.doubt()
    ledger.commit(frames)
    assert sender.names() == ["#0", *(f"#{number}" for number in range(10 * batches))]
    status = NodeStatus.objects.get()
    assert (status.events, status.rejected) == (10 * batches + 1, 0)
    assert Reason.REFUSED_BY_DATABASE not in caplog.text


@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
def test_a_check_that_a_value_breaks_sets_the_event_aside(database: Database) -> None:
    """On SQLite a check cannot be added to a table that is there."""
    sender = Sender()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE birds_bird ADD CHECK (name <> '#1')")
    sender.batch(3)
    Ledger().commit(sender.resend())
    assert sender.names() == ["#0", "#2"]
    assert NodeStatus.objects.get().rejected == 1
