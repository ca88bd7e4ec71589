"""The models against both databases: rules, indexes, deletes that meet a writer, notifications."""

import contextlib
import datetime
import threading

import psycopg
import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.daemon.models import ALIVE_FOR, Daemon
from birdwatcher.nodes.models import NODES_CHANNEL, Node, NodeStatus, RejectedPacket, StatusChange
from birdwatcher.writer.models import Checkpoint
from nodeproc.states import NodeState
from nodeproc.wire.reasons import Reason
from tests.support.databases import Database
from tests.support.waiting import STARTING

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.UTC)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def node(**fields: object) -> Node:
    """Return an unsaved node, right in every field that is not given."""
    return Node(**{"name": "Dartmoor", "ip_address": "10.0.3.2", "port": 9999} | fields)


def complaints(**fields: object) -> dict[str, list[str]]:
    """Return what is wrong with such a node."""
    with pytest.raises(ValidationError) as caught:
        node(**fields).full_clean()
    return caught.value.message_dict


@pytest.mark.parametrize(
    ("ip_address", "address"),
    [
        ("10.0.3.2", "10.0.3.2:9999"),
        ("::1", "[::1]:9999"),
        ("2001:DB8:0:0::7", "[2001:db8::7]:9999"),
        ("::ffff:10.0.3.2", "10.0.3.2:9999"),
    ],
)
def test_addresses_are_kept_in_one_form(ip_address: str, address: str) -> None:
    created = node(ip_address=ip_address)
    created.full_clean()
    created.save()
    stored = Node.objects.get()
    assert stored.address == address
    assert str(stored) == f"Dartmoor {address}"


@pytest.mark.parametrize(
    ("ip_address", "said"),
    [
        ("0.0.0.0", "means “any address”"),  # noqa: S104
        ("::", "means “any address”"),
        ("::ffff:0.0.0.0", "means “any address”"),
        ("224.0.0.1", "many hosts"),
        ("ff02::1", "many hosts"),
        ("255.255.255.255", "many hosts"),
        ("fe80::1", "one network link only"),
        ("10.0.3", "valid IPv4 or IPv6"),
        ("dartmoor.example.org", "valid IPv4 or IPv6"),
    ],
)
def test_addresses_that_no_node_has(ip_address: str, said: str) -> None:
    assert said in complaints(ip_address=ip_address)["ip_address"][0]


@pytest.mark.parametrize(
    "name", ["", "a\nb", "a\x00b", "a\x85b", "a\u2028b", "a\u202eb", "x" * 256]
)
def test_names_that_no_node_has(name: str) -> None:
    assert list(complaints(name=name)) == ["name"]


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports_are_checked_by_the_form_and_by_the_database(port: int) -> None:
    assert list(complaints(port=port)) == ["port"]
    with pytest.raises(IntegrityError), transaction.atomic():
        node(port=port).save()


def test_two_nodes_cannot_share_an_address() -> None:
    node().save()
    node(port=9998).full_clean()
    said = complaints(name="Exmoor")
    assert said == {"__all__": ["There is a node with this IP address and port already."]}
    with pytest.raises(IntegrityError), transaction.atomic():
        node(name="Exmoor").save()


def test_nodes_and_species_are_ordered_by_name_birds_newest_first() -> None:
    exmoor, dartmoor = node(name="Exmoor", port=1), node(name="Dartmoor", port=2)
    for each in (exmoor, dartmoor):
        each.save()
    wren, robin = (Species.objects.create(name=name) for name in ("Wren", "Robin"))
    assert list(Node.objects.all()) == [dartmoor, exmoor]
    assert list(Species.objects.all()) == [robin, wren]
    birds = [
        Bird.objects.create(timestamp=time, name="Al", species=wren, node=exmoor)
        for time in (LATEST, EARLIEST, NOON, NOON)
    ]
    assert list(Bird.objects.all()) == [birds[0], birds[3], birds[2], birds[1]]


def test_the_choices_of_a_status_are_the_states_of_a_process() -> None:
    choices = NodeStatus._meta.get_field("state").choices
    assert [value for value, _ in choices] == list(NodeState)


def test_the_reasons_are_those_of_the_node_process() -> None:
    choices = RejectedPacket._meta.get_field("reason").choices
    assert [value for value, _ in choices] == list(Reason)
    assert max(map(len, Reason)) <= RejectedPacket._meta.get_field("reason").max_length


def test_a_daemon_is_alive_while_it_says_so() -> None:
    assert Daemon.current() is None
    daemon = Daemon.objects.create(pk=Daemon.ONLY, host="h", pid=1, started_at=NOON, seen_at=NOON)
    assert Daemon.current() == daemon
    assert daemon.alive(NOON + ALIVE_FOR)
    assert not daemon.alive(NOON + ALIVE_FOR + datetime.timedelta(seconds=1))
    daemon.stopped_at = NOON
    assert not daemon.alive(NOON)


def everything_of(owner: Node, birds: int) -> Species:
    """Give `owner` birds, and one of everything else; return the birds' species."""
    species = Species.objects.create(name=f"Species of {owner.pk}")
    Bird.objects.bulk_create(
        Bird(timestamp=NOON, name=f"Bird {n}", species=species, node=owner) for n in range(birds)
    )
    NodeStatus.objects.create(node=owner, state=NodeState.CONNECTED, since=NOON)
    StatusChange.objects.create(node=owner, at=NOON, state=NodeState.CONNECTED)
    RejectedPacket.objects.create(node=owner, at=NOON, reason=Reason.NOT_JSON, size=1, raw=b"x")
    Checkpoint.objects.create(node=owner, stream=1, sequence=1, updated_at=NOON)
    return species


@pytest.mark.parametrize("way", ["instance", "queryset", "species"])
def test_a_delete_takes_its_birds_along_without_loading_them(way: str) -> None:
    gone, kept = node(port=1), node(port=2)
    gone.save()
    kept.save()
    species = everything_of(gone, 50)
    everything_of(kept, 2)
    delete = {
        "instance": gone.delete,
        "queryset": Node.objects.filter(port=1).order_by("-name").delete,
        "species": species.delete,
    }[way]
    with CaptureQueriesContext(connection) as queries:
        count, _ = delete()
    assert count == (51 if way == "species" else 55)
    assert list(Bird.objects.values_list("node", flat=True)) == [kept.pk] * 2
    assert not [q for q in queries if q["sql"].startswith("SELECT") and "birds_bird" in q["sql"]]
    assert sum(q["sql"].startswith('DELETE FROM "birds_bird"') for q in queries) == 1
    locks = [q["sql"] for q in queries if q["sql"].endswith("FOR UPDATE")]
    assert len(locks) == (1 if connection.vendor == "postgresql" else 0)


def insert_a_bird(other: psycopg.Connection, species: Species, owner: Node) -> None:
    other.execute(
        "INSERT INTO birds_bird (timestamp, name, species_id, node_id) VALUES (now(), 'x', %s, %s)",
        [species.pk, owner.pk],
    )


@on_postgresql
@pytest.mark.parametrize("model", [Node, Species])
def test_a_delete_waits_for_a_bird_that_is_being_committed(
    database: Database, model: type[Node] | type[Species]
) -> None:
    owner = node()
    owner.save()
    species = everything_of(owner, 1)
    with psycopg.connect(database.url) as other:
        insert_a_bird(other, species, owner)
        # As the commit does: from here on the bird's rows cannot be locked by a delete.
        other.execute("SET CONSTRAINTS ALL IMMEDIATE")
        deleting = threading.Thread(target=delete_in_thread, args=(model,))
        deleting.start()
        wait_for_a_lock(database)
        other.commit()
        deleting.join(timeout=10)
    assert not model.objects.exists()
    assert not Bird.objects.exists()


@on_postgresql
def test_the_writer_and_not_the_admin_meets_the_missing_node(database: Database) -> None:
    owner = node()
    owner.save()
    species = everything_of(owner, 1)
    with psycopg.connect(database.url) as other:
        insert_a_bird(other, species, owner)
        owner.delete()
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            other.commit()
    assert not Bird.objects.exists()


def delete_in_thread(model: type[Node] | type[Species]) -> None:
    try:
        model.objects.all().delete()
    finally:
        connection.close()


def wait_for_a_lock(database: Database) -> None:
    """Return when some session of the database waits for a lock."""
    deadline = timezone.now() + datetime.timedelta(seconds=10)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(database.url, autocommit=True) as watcher:
        while timezone.now() < deadline:
            if watcher.execute(waiting).fetchone() != (0,):
                return
    pytest.fail("nobody waited for a lock")


@on_postgresql
def test_every_change_of_the_nodes_is_announced(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as listener:
        listener.execute(f"LISTEN {NODES_CHANNEL}")

        def announced(expected: int) -> bool:
            """Whether as many came, and no more."""
            came = list(listener.notifies(timeout=STARTING, stop_after=1)) if expected else []
            came += listener.notifies(timeout=0.3)
            return len(came) == expected

        created = node()
        created.save()
        assert announced(1)
        Node.objects.update(enabled=False)
        assert announced(1)
        everything_of(created, 1)
        NodeStatus.objects.update(events=5)
        assert announced(0)
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            Node.objects.update(enabled=True)
            raise ZeroDivisionError
        assert announced(0)
        created.delete()
        assert announced(1)
