"""Nodes and species with many birds are deleted a few birds at a time, beside a busy daemon."""

import datetime
import threading
import time

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from birdwatcher.birds import removal as birds_removal
from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node
from birdwatcher.writer.ledger import Ledger
from tests.support.counted import counts_agree
from tests.support.flock import insert, remove
from tests.support.sender import Sender

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
CHUNK = 50


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make chunks so small that a test has many."""
    monkeypatch.setattr(birds_removal, "CHUNK", CHUNK)


def make_node(birds: int, *, at_once: bool = False) -> Node:
    """Make a node with so many birds, a third of them doubtful; `at_once`: all of one moment."""
    node = Node.objects.create(name="Dartmoor", ip_address="::2", port=Node.objects.count() + 1)
    species = [Species.objects.get_or_create(name=name)[0] for name in ("Wren", "Robin")]
    made = [
        Bird(
            timestamp=NOON + (0 if at_once else number) * SECOND,
            name="x",
            doubtful=number % 3 == 0,
            species=species[number % 2],
            node=node,
        )
        for number in range(birds)
    ]
    insert(made)
    return node


@pytest.mark.parametrize("birds", [0, 1, CHUNK, 3 * CHUNK, 7 * CHUNK + 1])
@pytest.mark.parametrize("at_once", [False, True])
def test_everything_goes_with_the_node_and_nothing_else(birds: int, at_once: bool) -> None:
    gone, kept = make_node(birds, at_once=at_once), make_node(20)
    remove(gone)
    assert list(Node.objects.all()) == [kept]
    assert Bird.objects.count() == 20
    counts_agree()


class StoppedError(Exception):
    """The web UI was stopped."""


def test_an_interrupted_removal_leaves_a_disabled_node_and_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = make_node(6 * CHUNK)

    def interrupt(_: float) -> None:
        if Bird.objects.count() <= 3 * CHUNK:
            raise StoppedError

    with monkeypatch.context() as patched:
        patched.setattr(birds_removal.time, "sleep", interrupt)
        with pytest.raises(StoppedError):
            remove(node)
    node.refresh_from_db()
    assert not node.enabled
    assert Bird.objects.count() == 3 * CHUNK
    counts_agree()
    remove(node)
    assert not Node.objects.exists()
    counts_agree()


def test_the_daemon_goes_on_committing_meanwhile() -> None:
    """Also birds of the node that is being deleted, which its process has still received."""
    gone, other = Sender("Gone"), Sender("Exmoor")
    species = Species.objects.create(name="Wren")
    birds = [
        Bird(timestamp=NOON + number * SECOND, name="x", species=species, node=gone.node)
        for number in range(8 * CHUNK)
    ]
    insert(birds)
    ledger = Ledger()
    for sender in (gone, other):
        sender.batch(5)
    ledger.commit(gone.resend() + other.resend())
    errors: list[Exception] = []

    def remove_it() -> None:
        try:
            remove(gone.node)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    removing = threading.Thread(target=remove_it)
    removing.start()
    commits, longest = 0, 0.0
    while removing.is_alive():
        if commits < 20:  # then its process has ended
            gone.batch(3)
        other.batch(3)
        began = time.monotonic()
        ledger.commit(gone.rest() + other.rest())
        longest = max(longest, time.monotonic() - began)
        commits += 1
    removing.join(timeout=60)
    assert errors == []
    assert commits >= 5
    assert longest < 5.0  # as long as the writer waits for SQLite's lock
    assert not Bird.objects.filter(node=gone.node.pk).exists()
    assert len(other.names()) == 5 + 3 * commits
    counts_agree()


@pytest.fixture
def client(database: object) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def chunks_of_deletes(client: Client, url: str, form: dict[str, object]) -> int:
    """Post the form; return how many statements deleted birds."""
    statements = []

    def watch(execute, sql, params, many, context):
        if sql.startswith('DELETE FROM "birds_bird"'):
            statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert client.post(url, form).status_code == 302
    return len(statements)


def test_the_admin_deletes_so(client: Client) -> None:
    nodes = [make_node(3 * CHUNK) for _ in range(3)]
    url = f"/admin/nodes/node/{nodes[0].pk}/delete/"
    assert chunks_of_deletes(client, url, {"post": "yes"}) >= 3
    assert Node.objects.count() == 2
    chosen = [node.pk for node in nodes[1:]]
    form = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    assert chunks_of_deletes(client, "/admin/nodes/node/", form) >= 6
    assert not Node.objects.exists()
    assert not Bird.objects.exists()
    counts_agree()


def test_the_admin_deletes_species_so_too(client: Client) -> None:
    make_node(6 * CHUNK)
    wren, robin = Species.objects.get(name="Wren"), Species.objects.get(name="Robin")
    url = f"/admin/birds/species/{wren.pk}/delete/"
    assert chunks_of_deletes(client, url, {"post": "yes"}) >= 3
    assert set(Bird.objects.values_list("species", flat=True)) == {robin.pk}
    counts_agree()


def test_a_delete_that_is_not_allowed_removes_no_bird(client: Client) -> None:
    node = make_node(CHUNK)
    User.objects.create_user("ranger", is_staff=True)
    client.force_login(User.objects.get(username="ranger"))
    assert client.post(f"/admin/nodes/node/{node.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Bird.objects.count() == CHUNK
