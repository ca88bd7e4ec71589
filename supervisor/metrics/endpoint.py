"""The address of the metrics, which only this machine can reach, and its socket."""

import contextlib
import errno
import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ALLOWED = "127.0.0.1:9750, [::1]:9750 or unix:/path: only this machine may ask, without a password"
UNIX = "unix:"
LONGEST_PATH = 107  # bytes, unix(7)
SOCKET_MODE = 0o660


@dataclass(frozen=True)
class Endpoint:
    """A TCP port of a loopback address, or a Unix socket."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        if self.path:
            return f"{UNIX}{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class EndpointError(Exception):
    """The metrics cannot be served there; the message is one sentence for the operator."""

    def __init__(self, endpoint: Endpoint, why: str) -> None:
        super().__init__(f"Metrics cannot be served at {endpoint}: {why}.")


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint that `text` names. Raises ValueError with what is allowed."""
    if text.startswith(UNIX):
        path = text.removeprefix(UNIX)
        if not path.startswith("/") or len(os.fsencode(path)) > LONGEST_PATH or "\0" in path:
            raise ValueError(ALLOWED)
        return Endpoint(path=Path(path))
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(ALLOWED)
    if not (_is_loopback(host) and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ValueError(ALLOWED)
    return Endpoint(host, int(port))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def listening(endpoint: Endpoint) -> Iterator[socket.socket]:
    """Listen at `endpoint`, and remove its socket at the end. Raises EndpointError."""
    try:
        listener = _listen_unix(endpoint.path) if endpoint.path else _listen_tcp(endpoint)
    except OSError as error:
        raise EndpointError(endpoint, os.strerror(error.errno or 0).lower()) from None
    own = _identity(endpoint.path)
    try:
        yield listener
    finally:
        listener.close()
        if endpoint.path and _identity(endpoint.path) == own:
            endpoint.path.unlink(missing_ok=True)


def _listen_tcp(endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    return socket.create_server((endpoint.host, endpoint.port), family=family)


def _listen_unix(path: Path) -> socket.socket:
    """Listen on a socket file; replace one that a dead daemon left there."""
    if _identity(path):
        _remove_if_dead(path)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)  # nobody can connect before it listens
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _remove_if_dead(path: Path) -> None:
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise EndpointError(Endpoint(path=path), "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except (TimeoutError, BlockingIOError):  # its queue is full: a daemon is there
            pass
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Return what identifies the file at `path`, None without one."""
    if path is None:
        return None
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
