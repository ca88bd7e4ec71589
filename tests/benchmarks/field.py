"""All nodes of a benchmark on one listening socket, told apart by the address that was called."""

import socket
import time

from tests.support.waiting import wait_until


class Field:
    """Nodes at many addresses of the loopback network and one port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._listener = socket.create_server(("", port), backlog=4096)
        self._listener.setblocking(False)
        self.connections: dict[str, socket.socket] = {}  # by the node's address
        self.accepted_at: dict[str, float] = {}  # monotonic seconds

    def fileno(self) -> int:
        """The descriptor that is readable when somebody calls."""
        return self._listener.fileno()

    def accept(self) -> list[str]:
        """Accept everybody who is waiting; return the addresses that they called."""
        called = []
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return called
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            address = connection.getsockname()[0]
            self.forget(address)
            self.connections[address] = connection
            self.accepted_at[address] = time.monotonic()
            called.append(address)

    def forget(self, address: str) -> None:
        """Close the connection of a node, if it has one."""
        if connection := self.connections.pop(address, None):
            connection.close()

    def wait_for(self, count: int, seconds: float) -> None:
        """Accept until so many nodes have their connection. Raises DeadlineMissedError."""

        def called() -> bool:
            self.accept()
            return len(self.connections) == count

        wait_until(
            called, timeout=seconds, message=lambda: f"{count} calls, {len(self.connections)} came"
        )

    def close(self) -> None:
        """Close everything."""
        for address in list(self.connections):
            self.forget(address)
        self._listener.close()
