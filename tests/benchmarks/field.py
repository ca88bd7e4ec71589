"""All nodes of a benchmark on one listening socket, told apart by the address that was called."""

import socket
import time

from tests.support.fieldnode import Listener
from tests.support.waiting import wait_until


class Field(Listener):
    """Nodes at many addresses of the loopback network and one port."""

    BACKLOG = 4096

    def __init__(self, port: int) -> None:
        super().__init__("", port)
        self.port = port
        self.connections: dict[str, socket.socket] = {}  # by the node's address
        self.accepted_at: dict[str, float] = {}  # monotonic seconds
        self.listen()

    def fileno(self) -> int:
        """The descriptor that is readable when a client connects."""
        return self.listening[0].fileno()

    def meet(self) -> list[str]:
        """Accept every client that is waiting; return the addresses that they called."""
        called = []
        for connection in self.accept():
            connection.setblocking(False)
            address = connection.getsockname()[0]
            self.forget(address)
            self.connections[address] = connection
            self.accepted_at[address] = time.monotonic()
            called.append(address)
        return called

    def forget(self, address: str) -> None:
        """Close the connection of a node, if it has one."""
        if connection := self.connections.pop(address, None):
            connection.close()

    def wait_for(self, count: int, seconds: float) -> None:
        """Accept until so many nodes have their connection. Raises DeadlineMissedError."""

        def called() -> bool:
            self.meet()
            return len(self.connections) == count

        wait_until(
            called, timeout=seconds, message=lambda: f"{count} calls, {len(self.connections)} came"
        )

    def close(self) -> None:
        """Close everything."""
        for address in list(self.connections):
            self.forget(address)
        self.refuse()
