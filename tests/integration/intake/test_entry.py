"""Birds that are entered beside a daemon that writes: in the order of their keys, and nobody waits
for somebody who waits for him."""

import datetime
import itertools
import types
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, transaction
from django.test import Client

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.database import engine, postgresql
from birdwatcher.intake import birds as entry
from birdwatcher.nodes.models import Node
from birdwatcher.staff.birds import REFUSED
from tests.support.beside import Beside, somebody_waits
from tests.support.counted import counts_agree
from tests.support.flock import make_nodes
from tests.support.waiting import wait_until

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def node(database: object) -> Iterator[Node]:
    """Where birds are heard."""
    return make_nodes(1)[0]


@pytest.fixture
def client(database: object) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def bird(node: Node, name: str = "entered") -> Bird:
    return Bird(timestamp=NOW, name=name, node_id=node.pk)


def write_as_the_writer(node: Node, species: Species) -> None:
    """Do what the writer does first in each transaction with birds."""
    engine().hold(Node, [node.pk])
    Bird.objects.create(timestamp=NOW, name="written", node=node, species=species)


def test_a_bird_is_entered_and_counted(node: Node) -> None:
    first, second = bird(node), bird(node)
    entry.enter(first, species="Wren")
    entry.enter(second, species="Wren")
    assert first.species == second.species == Species.objects.get()
    assert not first.doubtful
    old = Bird(timestamp=NOW - datetime.timedelta(days=2), name="x", node=node)
    old.species = first.species
    entry.enter(old)
    assert old.doubtful
    counts_agree()
    Node.objects.all().delete()
    with pytest.raises(Node.DoesNotExist):
        entry.enter(bird(node), species="Robin")
    assert not Species.objects.filter(name="Robin").exists()


def test_a_species_that_is_deleted_as_a_bird_is_entered(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(engine()), "hold_named", lambda *_: {})
    with pytest.raises(IntegrityError, match="“Wren” was just renamed or deleted"):
        entry.enter(bird(node), species="Wren")
    assert not Bird.objects.exists()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_keys_become_visible_in_their_order(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of the two comes first, the other one takes its key after that is committed."""
    monkeypatch.setattr(entry, "PATIENCE", 30.0)
    species = Species.objects.create(name="Wren")
    with transaction.atomic():
        write_as_the_writer(node, species)
        entering = Beside(lambda: entry.enter(bird(node), species="Wren"))
        wait_until(somebody_waits, timeout=10, message="the other one waits")
    entering.end()
    with transaction.atomic():
        entry.enter(bird(node), species="Wren")
        writing = Beside(lambda: transaction.atomic()(write_as_the_writer)(node, species))
        wait_until(somebody_waits, timeout=10, message="the writer waits")
    writing.end()
    names = Bird.objects.order_by("pk").values_list("name", flat=True)
    assert list(names) == ["written", "entered", "entered", "written"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_nobody_waits_long_for_a_bird_that_is_entered(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "PATIENCE", 0.05)
    species = Species.objects.create(name="Wren")
    with transaction.atomic():
        write_as_the_writer(node, species)
        entering = Beside(lambda: entry.enter(bird(node), species="Wren"))
        with pytest.raises(OperationalError, match="statement timeout"):
            entering.end()
    assert Bird.objects.count() == 1


def add_in_the_admin(client: Client, node: Node) -> None:
    """Send the form of a new bird, which is refused: it comes again as it was sent, and says so."""
    species = Species.objects.get().pk
    fields = {"timestamp_0": "2025-06-01", "timestamp_1": "12:00:07", "name": "Al"}
    answer = client.post("/admin/birds/bird/add/", fields | {"species": species, "node": node.pk})
    assert answer.status_code == 200
    page = answer.content.decode()
    for text in (REFUSED, 'value="12:00:07"', 'value="Al"', f'value="{node.pk}" selected'):
        assert text in page


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_admin_says_that_others_hold_what_it_needs(
    node: Node, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "PATIENCE", 0.05)
    species = Species.objects.create(name="Wren")
    with transaction.atomic():
        write_as_the_writer(node, species)
        Beside(lambda: add_in_the_admin(client, node)).end()
    assert Bird.objects.get().name == "written"


@pytest.mark.parametrize("error", [OperationalError, IntegrityError, Node.DoesNotExist])
def test_the_admin_says_so_whatever_is_in_the_way(
    node: Node, client: Client, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(_: Bird) -> None:
        raise error

    Species.objects.create(name="Wren")
    monkeypatch.setattr(entry, "enter", fail)
    add_in_the_admin(client, node)
    assert not Bird.objects.exists()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_all_that_it_waits_for_counts_together(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its turn, by this clock, takes all the time but 50 ms.
    ticks = itertools.chain([0.0, 0.0], itertools.repeat(29.95))
    clock = types.SimpleNamespace(monotonic=lambda: next(ticks))
    monkeypatch.setattr(entry, "PATIENCE", 30.0)
    monkeypatch.setattr(postgresql, "time", clock)
    with transaction.atomic():
        Species.objects.create(name="Wren")
        entering = Beside(lambda: entry.enter(bird(node), species="Wren"))
        with pytest.raises(OperationalError, match="statement timeout"):
            entering.end()
    assert not Bird.objects.exists()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_whoever_deletes_and_whoever_enters_do_not_wait_for_each_other(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a node and a species, while birds of both are entered, and the writer writes others."""
    monkeypatch.setattr(entry, "PATIENCE", 30.0)
    others = [Node.objects.create(name="x", ip_address="::1", port=50 + n) for n in range(6)]
    species = [Species.objects.create(name=f"S{n}") for n in range(6)]
    kept = Species.objects.create(name="Kept")
    gone = (Node.DoesNotExist, IntegrityError)

    def enter() -> None:
        for number in range(24):
            try:
                entry.enter(bird(others[number % 6]), species=f"S{number % 6}")
            except gone:
                entry.enter(bird(node), species="New")

    def write() -> None:
        for _ in range(24):
            with transaction.atomic():
                write_as_the_writer(node, kept)

    def delete() -> None:
        for one, other in zip(others, species, strict=True):
            one.delete()
            other.delete()

    for action in [Beside(it) for it in (enter, write, delete, enter)]:
        action.end()
    assert Bird.objects.filter(name="written").count() == 24
    assert not Node.objects.filter(port__gte=50).exists()
