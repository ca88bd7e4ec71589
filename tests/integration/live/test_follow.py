"""Following the birds: everything is told, once, in order, whatever happens in between."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from birdwatcher.birds.models import Bird
from birdwatcher.feed.birds.news import AT_ONCE
from birdwatcher.feed.birds.table import LOOKED_THROUGH, RESUMED
from birdwatcher.nodes.models import Node
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.livefeed import Field, Web
from tests.support.waiting import STARTING, Promise, wait_until


def keys(**filters: object) -> list[int]:
    """Return the keys of birds, in their order."""
    return list(Bird.objects.filter(**filters).order_by("pk").values_list("pk", flat=True))


def test_a_bird_is_told_with_all_that_a_page_shows(web: Web, field: Field) -> None:
    field.hear()
    with web.follow_from_now() as page:
        (bird,) = field.hear()
        page.read_birds(1)
        assert page.birds == [
            {
                "id": bird.pk,
                "timestamp": "2026-05-01T12:00:01.250000Z",
                "name": "#1",
                "species": "Wren",
                "species_id": field.species[1].pk,
                "node": "Moor 2",
                "node_id": field.nodes[1].pk,
                "doubtful": False,
            }
        ]


def test_birds_are_told_in_their_order(web: Web, field: Field, promise: Promise) -> None:
    with web.follow_from_now() as page, web.follow_from_now() as other:
        for count in (1, 7, 3 * AT_ONCE, 2):
            field.hear(count)
        page.read_birds(len(keys()))
        other.read_birds(len(keys()))
        assert page.ids == other.ids == keys()
        assert max(len(said["birds"]) for said in page.of("birds")) <= AT_ONCE
        field.hear()

        def told() -> bool:
            page.read_birds(len(keys()))
            return True

        promise("a new bird is told", told)


def test_what_a_real_daemon_writes(
    web: Web,
    database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    field: Field,
) -> None:
    node = field_node()
    Node.objects.filter(pk=field.nodes[0].pk).update(
        ip_address=node.host, port=node.port, enabled=True
    )
    start_daemon(database)
    wait_until(node.connected, timeout=STARTING, message="the node is connected")
    with web.follow_from_now() as page:
        for _ in range(20):
            node.send(50)
        page.read_birds(1000)
        assert page.ids == keys()
        assert [bird["name"] for bird in page.birds] == [sent.name for sent in node.sent]


def test_whoever_comes_again_misses_nothing_and_hears_nothing_twice(web: Web, field: Field) -> None:
    done = threading.Event()

    def write() -> None:
        try:
            for count in range(150):
                field.hear(1 + count % 9)
        finally:
            done.set()
            connection.close()

    told: list[int] = []
    seen = 0
    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set() or told != keys():
        with web.follow(f"?since={seen}") as page:
            page.read_until(lambda: page.ids or (done.is_set() and page.seen >= keys()[-1]))
            told += page.ids
            seen = page.seen
    writer.join()
    assert told == keys()


def test_from_several_web_processes(
    database: Database, start: Callable[..., Web], field: Field
) -> None:
    webs = [start(database), start(database)]
    told: list[int] = []
    seen = 0
    for turn in range(30):
        field.hear()
        with webs[turn % 2].follow(f"?since={seen}") as page:
            page.read_birds(1)
            told += page.ids
            seen = page.seen
    assert told == keys()


def test_filters(web: Web, field: Field) -> None:
    node, species = field.nodes[0].pk, field.species[1].pk
    with (
        web.follow_from_now(f"?node={node}") as by_node,
        web.follow_from_now(f"?species={species}&since=0") as by_species,
        web.follow_from_now(f"?species={species}&node={node}") as by_both,
    ):
        field.hear(1001)
        by_node.read_birds(501)
        by_species.read_birds(500)
        assert by_node.ids == keys(node=node)
        assert by_species.ids == keys(species=species)
        assert by_both.birds == []
    with web.follow(f"?species={species}&since={keys()[100]}") as again:
        again.read("heartbeat")
        assert again.ids == keys(species=species, pk__gt=keys()[100])
        assert again.seen == keys()[-1]


@pytest.mark.parametrize("query", ["", "&node={node}"])
def test_of_very_many_only_the_newest_are_told_and_the_others_counted(
    web: Web, field: Field, query: str
) -> None:
    field.hear(5 * RESUMED)
    query = query.format(node=field.nodes[0].pk)
    wanted = keys(node=field.nodes[0].pk) if query else keys()
    with web.follow(f"?since={keys()[0]}{query}") as page:
        page.read("heartbeat")
        assert page.ids == wanted[-RESUMED:]
        told = page.messages[0]
        first = 0 if query and wanted[0] != keys()[0] else 1
        missed = len(wanted) - first - RESUMED
        assert told == {"type": "missed", "count": missed, "at_least": False}


def test_of_far_too_many_it_is_said_that_not_all_were_counted(web: Web, field: Field) -> None:
    (bird,) = field.hear()
    first, bird.pk = bird.pk, bird.pk + LOOKED_THROUGH + 1
    bird.save(force_insert=True)
    with web.follow(f"?since={first - 1}") as page:
        page.read("heartbeat")
        assert page.messages[0] == {"type": "missed", "count": 0, "at_least": True}
        assert page.ids == [bird.pk]


def test_a_key_of_another_database_is_left_aside(web: Web, field: Field) -> None:
    field.hear(3)
    with web.follow_from_now("?since=1000000") as page:
        assert page.ids == []
        (bird,) = field.hear()
        page.read_birds(1)
        assert page.ids == [bird.pk]
