"""Species that people rename, merge and delete while the writer remembers their keys."""

from collections.abc import Callable

import pytest
from django.db import transaction

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node, NodeStatus
from birdwatcher.writer.ledger import Ledger
from tests.support.beside import Beside, somebody_waits
from tests.support.counted import counts_agree
from tests.support.sender import Sender
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")

SMALL, LARGE = 1, 300  # events: one statement, or several


def birds_by_species() -> dict[str, int]:
    rows = Bird.objects.order_by("pk").values_list("species__name", flat=True)
    return {name: list(rows).count(name) for name in dict.fromkeys(rows)}


def rename() -> dict[str, int]:
    Species.objects.filter(name="Robin").update(name="Redbreast")
    return {"Redbreast": 1, "Wren": 1}


def swap() -> dict[str, int]:
    robin, wren = Species.objects.order_by("pk")
    for species, name in ((robin, "?"), (wren, "Robin"), (robin, "Wren")):
        Species.objects.filter(pk=species.pk).update(name=name)
    return {"Wren": 1, "Robin": 1}


def delete() -> dict[str, int]:
    Species.objects.get(name="Robin").delete()
    return {"Wren": 1}


def delete_and_make_again() -> dict[str, int]:
    kept = delete()
    Species.objects.create(name="Robin")
    return kept


def merge() -> dict[str, int]:
    robin, wren = Species.objects.order_by("pk")
    Bird.objects.filter(species=robin).update(species=wren)
    robin.delete()
    return {"Wren": 2}


@pytest.mark.parametrize("events", [SMALL, LARGE])
@pytest.mark.parametrize("change", [rename, swap, delete, delete_and_make_again, merge])
def test_birds_go_to_the_species_that_has_their_name_now(
    change: Callable[[], dict[str, int]], events: int
) -> None:
    sender, ledger = Sender(), Ledger()
    sender.batch(species="Robin")
    sender.batch(species="Wren")
    ledger.commit(sender.resend())
    expected = change()
    sender.batch(events, species="Robin")
    sender.batch(species="Wren")
    ledger.commit(sender.rest())
    expected = {name: expected.get(name, 0) for name in (*expected, "Robin", "Wren")}
    expected["Robin"] += events
    expected["Wren"] += 1
    assert birds_by_species() == expected
    assert NodeStatus.objects.get().events == 3 + events
    counts_agree()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("events", [SMALL, LARGE])
def test_a_name_that_changes_during_the_commit_is_waited_for(events: int) -> None:
    """On SQLite nobody else writes during a commit."""
    sender, ledger = Sender(), Ledger()
    sender.batch(species="Robin")
    ledger.commit(sender.resend())
    sender.batch(events, species="Robin")
    frames = sender.rest()
    with transaction.atomic():
        expected = rename()
        committing = Beside(lambda: ledger.commit(frames))
        wait_until(somebody_waits, timeout=10, message="the writer waits")
    committing.end()
    assert birds_by_species() == {"Redbreast": expected["Redbreast"], "Robin": events}
    counts_agree()


def test_a_node_made_again_under_its_key_begins_with_its_own_counts() -> None:
    sender, ledger = Sender(), Ledger()
    sender.batch(5)
    ledger.commit(sender.resend())
    Node.objects.get().delete()
    sender.node.save(force_insert=True)
    ledger.reread()  # as the writer does when the nodes may have changed
    sender.batch(2)
    ledger.commit(sender.rest())
    assert NodeStatus.objects.get().events == 2
