"""Asking a daemon for its metrics, over its Unix socket."""

import socket
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 30.0  # seconds


def ask(path: Path, request: bytes = b"GET /metrics HTTP/1.1\r\nHost: birds\r\n\r\n") -> bytes:
    """Send a request to the socket at `path` and return everything that comes back."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(request)
        return read_all(client)


def read_all(client: socket.socket) -> bytes:
    """Return what comes until the other end closes, or resets what it does not want to read."""
    answer = b""
    try:
        while data := client.recv(65536):
            answer += data
    except ConnectionResetError:
        pass
    return answer


class Metrics:
    """The metrics of one moment."""

    def __init__(self, path: Path) -> None:
        """Ask at the socket at `path`. Raises AssertionError unless they are answered."""
        head, _, body = ask(path).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 OK\r\n"):
            raise AssertionError(f"asked for metrics, was told {head + body!r}")
        self.values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        }

    def __call__(self, metric: str, /, **labels: str) -> float:
        """Return the value of `birdwatcher_<metric>` with exactly these labels; nan without one."""
        return self.values.get((f"birdwatcher_{metric}", frozenset(labels.items())), float("nan"))
