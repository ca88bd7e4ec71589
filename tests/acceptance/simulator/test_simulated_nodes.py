"""The daemon and the simulator of `./manage.py runnodes` together."""

import re

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import Node
from tests.support.park import Park
from tests.support.ports import PortBlock
from tests.support.processes import Processes
from tests.support.waiting import wait_until

COUNT = 200


def test_every_bird_of_the_simulator_arrives_once(
    park: Park, processes: Processes, ports: PortBlock
) -> None:
    addresses = [ports.take(), ports.take()]
    options = ("--numbered", "--count", str(COUNT), "--rate", "200", "--split")
    processes.manage("runnodes", *map(str, addresses), *options, env=park.database.env)
    nodes = [
        Node.objects.create(name=f"Moor {port}", ip_address="127.0.0.1", port=port)
        for port in addresses
    ]
    for node in nodes:
        birds = Bird.objects.filter(node=node)
        wait_until(
            lambda: birds.count() >= COUNT,  # noqa: B023
            timeout=60,
            message=lambda: f"{COUNT} birds; there are {birds.count()}",  # noqa: B023
        )
        numbers = [
            int(re.search(r"#(\d+)$", name)[1]) for name in birds.values_list("name", flat=True)
        ]
        assert sorted(numbers) == list(range(min(numbers), min(numbers) + COUNT))
        assert len(park.daemon.connected_to(node.port)) == 1
    park.bystander_noticed_nothing()
