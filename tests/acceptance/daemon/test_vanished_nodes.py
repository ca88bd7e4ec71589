"""Nodes vanish from the database, all together or one: nothing that they sent is thrown away."""

from collections.abc import Callable, Iterable

from django.db import transaction

from birdwatcher.daemon.models import Daemon as Row
from birdwatcher.health.examination import read_facts
from birdwatcher.health.judgement import Grade, judge
from birdwatcher.nodes.models import Node
from nodeproc.delivery.aside import listed
from nodeproc.delivery.directory import spooled
from tests.acceptance.daemon.test_spool import (
    spools,
    stopped_during_an_outage,
    wait_until_nothing_waits,
)
from tests.support.books import stored, wait_for_birds
from tests.support.daemon import Daemon
from tests.support.fieldnode import FieldNode
from tests.support.packets import Sighting
from tests.support.park import Park
from tests.support.waiting import wait_until

NOTICING = 15.0  # seconds


def take_away() -> list[Node]:
    """Delete all nodes, as by SQL: none is disabled first."""
    nodes = list(Node.objects.all())
    Node.objects.all().delete()
    return nodes


def put_back(nodes: Iterable[Node]) -> None:
    with transaction.atomic():
        for node in nodes:
            node.save(force_insert=True)


def all_have(birds: dict[int, list[Sighting]]) -> None:
    for number, sent in birds.items():
        wait_for_birds(number, sent)


def aside(park: Park) -> list[str]:
    return [str(it.origin) for it in listed(spools(park))]


def test_a_table_that_is_empty_at_the_start_discards_nothing(
    park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    stations = [park.add(name) for name in ("Dartmoor", "Exmoor")]
    stopped_during_an_outage(park, *stations, count=40)
    sent = {station.id: station.field.sent for station in stations}
    nodes = take_away()
    daemon = start_daemon(park.database, BIRDWATCHER_VANISHED_WAIT="0")
    daemon.wait_for_line(r"WARNING.*spools of nodes that have no row: nodes-")
    wait_until(lambda: len(aside(park)) >= 2, timeout=NOTICING, message="they are set aside")
    assert not spooled(spools(park))
    put_back(nodes)
    all_have(sent)
    wait_until(lambda: not aside(park), timeout=NOTICING, message="nothing is set aside")
    wait_until_nothing_waits(park)


def test_nodes_that_vanish_together_go_on_and_are_missed(park: Park) -> None:
    stations = [park.add(name) for name in ("Dartmoor", "Exmoor")]
    connections = [station.field.peers() for station in stations]
    numbers = [station.id for station in stations]
    nodes = take_away()
    park.daemon.wait_for_line("ERROR.*nodes that vanished from the database together: 3")
    for station in stations:
        station.field.send(30)
    park.daemon.wait_for_line("WARNING.*30 of its events not committed")
    wait_until(
        lambda: (Row.current() or Row()).missing == 3, timeout=NOTICING, message="health knows"
    )
    verdict = judge(read_facts())
    assert verdict.grade is Grade.WARNING
    assert "vanished from the database, and whose events wait for their return: 3" in verdict.text
    put_back(nodes)
    park.daemon.wait_for_line("the nodes that vanished from the database are back")
    all_have({number: it.field.sent for number, it in zip(numbers, stations, strict=True)})
    assert [station.field.peers() for station in stations] == connections


def test_a_node_is_known_by_more_than_its_id(
    park: Park, start_daemon: Callable[..., Daemon], field_node: Callable[..., FieldNode]
) -> None:
    """Another node gets its id, and is deleted again; then the first is back."""
    station = park.add("Dartmoor")
    stopped_during_an_outage(park, station, count=50)
    number = station.id
    row = Node.objects.get(pk=number)
    row.delete()
    field = field_node()
    other = Node.objects.create(pk=number, name="Exmoor", ip_address=field.host, port=field.port)
    daemon = start_daemon(park.database, BIRDWATCHER_VANISHED_WAIT="0")
    daemon.wait_for_line(rf"Exmoor.*its spool is that of another node, Dartmoor {row.address};")
    wait_until(field.connected, timeout=NOTICING, message="connected to the other node")
    field.send(5)
    wait_for_birds(number, field.sent)
    assert aside(park) == [f"nodes-{number}"]
    other.delete()
    wait_until(lambda: number not in daemon.nodes(), timeout=NOTICING, message="it is stopped")
    row.pk = number
    put_back([row])
    wait_until(lambda: len(stored(number)) >= 50, timeout=NOTICING, message="they are back")
    wait_for_birds(number, station.field.sent)
    assert not aside(park)
