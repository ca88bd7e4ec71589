"""What `ps` shows of the daemon."""

from birdwatcher.nodes.models import Node
from tests.support.park import Park
from tests.support.ports import PortBlock
from tests.support.waiting import wait_until


def test_titles(park: Park, ports: PortBlock) -> None:
    station = park.add("Dartmoor")
    nowhere = Node.objects.create(name="Nowhere", ip_address="127.0.0.1", port=ports.take())
    wait_until(
        lambda: park.daemon.title() == "birdwatcher: supervisor 3 nodes, 2 connected",
        timeout=10,
        message=lambda: str(park.daemon.titles()),
    )
    titles = park.daemon.titles().values()
    address = f"127.0.0.1:{station.field.port}"
    assert f"birdwatcher: node {station.id} Dartmoor {address} connected" in titles
    assert [title for title in titles if title.startswith("birdwatcher: writer")]
    wait_until(
        lambda: park.daemon.state(nowhere.pk) == "backing off",
        timeout=15,
        message=lambda: str(park.daemon.titles()),
    )


def test_supervisor_counts_what_is_connected(park: Park) -> None:
    wait_until(lambda: park.daemon.counts() == (1, 1), timeout=10, message="1 node, 1 connected")
    station = park.add("Dartmoor")
    wait_until(lambda: park.daemon.counts() == (2, 2), timeout=10, message="2 nodes, 2 connected")
    station.field.refuse()
    station.field.drop()
    wait_until(lambda: park.daemon.counts() == (2, 1), timeout=10, message="2 nodes, 1 connected")
    station.change(enabled=False)
    wait_until(lambda: park.daemon.counts() == (1, 1), timeout=10, message="1 node, 1 connected")


def test_name_with_blanks_and_letters_of_other_scripts(park: Park) -> None:
    name = "Þingvellir  シジュウカラの森 🐦"
    station = park.add(name)
    assert park.daemon.nodes()[station.id].name == name
