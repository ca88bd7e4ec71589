"""A network namespace of the test's own, joined to this one by a virtual cable.

Unplugging the cable makes everybody in the namespace vanish without a word: packets are dropped on
both sides, nobody is told, and connections live on if it is plugged in again soon enough.
"""

import os
import socket
import subprocess
from pathlib import Path

from tests.support.sockets import in_network_of

# 198.18.0.0/15 is set apart for tests of networks (RFC 2544): here a block of four addresses for
# each process id there can be.
FIRST_ADDRESS = (198 << 24) + (18 << 16)
BLOCKS = 2**15


class Namespace:
    """One namespace; addresses in it are reachable from here, and only from here."""

    def __init__(self) -> None:
        """Make it. Raises OSError, with the reason, where that is not possible."""
        self._name = f"birds{os.getpid()}"
        self._near, self._far = f"near{os.getpid()}", f"far{os.getpid()}"
        first = FIRST_ADDRESS + 4 * (os.getpid() % BLOCKS)
        near, self.host = _dotted(first + 1), _dotted(first + 2)
        _run("ip", "netns", "add", self._name)
        try:
            # fmt: off
            _run("ip", "link", "add", self._near, "type", "veth",
                 "peer", "name", self._far, "netns", self._name)
            # fmt: on
            _run("ip", "address", "add", f"{near}/30", "dev", self._near)
            _run("ip", "link", "set", self._near, "up")
            self._inside("address", "add", f"{self.host}/30", "dev", self._far)
            self.plug()
        except OSError:
            self.remove()
            raise

    def _inside(self, *arguments: str) -> None:
        _run("ip", "-n", self._name, *arguments)

    def unplug(self) -> None:
        """Drop every packet."""
        self._inside("link", "set", self._far, "down")

    def plug(self) -> None:
        """Let packets through again."""
        self._inside("link", "set", self._far, "up")

    def remove(self) -> None:
        """Remove it, and the cable with it."""
        _run("ip", "netns", "delete", self._name)

    def make_socket(self) -> socket.socket:
        """Return a TCP socket that lives in the namespace, wherever it is used."""
        return in_network_of(Path(f"/run/netns/{self._name}"))


def _dotted(number: int) -> str:
    return socket.inet_ntoa(number.to_bytes(4, "big"))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
