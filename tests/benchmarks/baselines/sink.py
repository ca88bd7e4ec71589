"""Somebody who only receives: shows how much the load generator can send.

`python -m tests.benchmarks.baselines.sink NODES PORT` calls every node and throws away what comes,
until it is killed.
"""

import select
import socket
import sys

from tests.benchmarks.events import address

READ_SIZE = 256 * 1024


def main(nodes: int, port: int) -> None:
    """Read all connections, for ever."""
    poll = select.epoll()
    connections = {}
    for number in range(nodes):
        connection = socket.create_connection((address(number), port))
        connections[connection.fileno()] = connection
        poll.register(connection, select.EPOLLIN)
    room = bytearray(READ_SIZE)
    while True:
        for descriptor, _ in poll.poll():
            if not connections[descriptor].recv_into(room):
                return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
