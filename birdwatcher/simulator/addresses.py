"""Addresses to listen on, and in one sentence why one is not available."""

import errno
import os
import socket


class AddressUnavailableError(Exception):
    """An address cannot be listened on; the message is one sentence with the cure."""


def format_address(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def unavailable(error: OSError, host: str, port: int) -> AddressUnavailableError:
    """Return the exception that explains `error`, raised while binding `port` on `host`."""
    where = f"port {port} on {host}"
    match error.errno:
        case errno.EADDRINUSE:
            text = f"{where} is already in use: stop what listens there or choose another port"
        case errno.EACCES:
            text = f"{where} needs privileges: choose a port above 1023"
        case errno.EADDRNOTAVAIL:
            text = f"{host} is not an address of this computer: choose one that is"
        case _:
            text = f"{where} cannot be listened on: {os.strerror(error.errno or 0)}"
    return AddressUnavailableError(text)


def check_available(host: str, port: int) -> None:
    """Raise AddressUnavailableError if `port` of the IPv4 address `host` is not available."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise unavailable(error, host, port) from error
