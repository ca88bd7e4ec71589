"""A client that takes little of what it is sent."""

import socket


def narrow_socket(address: str) -> socket.socket:
    """Connect a socket for which the system keeps little that was not read."""
    host, port = address.split(":")
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((host, int(port)))
    return narrow
