"""A running daemon, some nodes it is connected to, and one of them that nothing may disturb."""

import dataclasses
from collections.abc import Callable

from birdwatcher.nodes.models import Node
from tests.support.books import wait_for_birds
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.waiting import Promise, wait_until

# Seconds in which a node that can be reached is connected, where the test is about something else.
CONNECTING = 15.0


@dataclasses.dataclass
class Station:
    """A node under the test's control and its row in the database."""

    field: FieldNode
    node: Node

    @property
    def id(self) -> int:
        """The node's id."""
        return self.node.pk

    def change(self, **fields: object) -> None:
        """Save new values of some of the node's fields."""
        for name, value in fields.items():
            setattr(self.node, name, value)
        self.node.save()

    def wait_for_birds(self) -> None:
        """Wait until the database holds what the node sent, each bird once."""
        wait_for_birds(self.id, self.field.sent)


class Park:
    """The daemon and its stations."""

    def __init__(
        self,
        database: Database,
        daemon: Daemon,
        field_node: Callable[..., FieldNode],
        promise: Promise,
    ) -> None:
        self.database = database
        self.daemon = daemon
        self.promise = promise
        self._field_node = field_node
        self._bystander = self.add("Bystander")
        self._peers = self._bystander.field.peers()
        self._process = self.daemon.nodes()[self._bystander.id].pid

    def add(
        self, name: str, *, host: str = "127.0.0.1", connected: bool = True, enabled: bool = True
    ) -> Station:
        """Add a node that listens on a port of its own; wait until it is connected."""
        field = self._field_node(host)
        node = Node.objects.create(
            name=name, ip_address=field.host, port=field.port, enabled=enabled
        )
        station = Station(field, node)
        if connected and enabled:
            self.wait_until_connected(station)
        return station

    def wait_until_connected(self, *stations: Station) -> None:
        """Wait until each of them has its one connection, and the titles say so."""
        for station in stations:
            wait_until(
                lambda: (
                    station.field.connected() and self.daemon.state(station.id) == "connected"  # noqa: B023
                ),
                timeout=CONNECTING,
                message=lambda: f"{station.node} is connected; {self.daemon.titles()}",  # noqa: B023
            )

    def bystander_noticed_nothing(self) -> None:
        """Check that the bystander has its first process and connection, and that it works."""
        station = self._bystander
        station.field.send(3)
        station.wait_for_birds()
        if station.field.peers() != self._peers or station.field.accepted != 1:
            raise AssertionError("the connection of a node that had no part in it was disturbed")
        if self.daemon.nodes()[station.id].pid != self._process:
            raise AssertionError("the process of a node that had no part in it was replaced")
