"""Addresses of nodes as people type them, and in the order in which people count them."""

from __future__ import annotations

import ipaddress


def split_address(text: str) -> tuple[str, int | None]:
    """Return host and port of `10.0.3.2:9999`, `[::1]:9999`, `:9999` or `9999`; else no port."""
    host, colon, port = text.strip().rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5):
        return text, None
    # Of an IPv6 address without brackets nobody can tell where it ends.
    if colon and ":" in host and not (host.startswith("[") and host.endswith("]")):
        return text, None
    return host.strip("[]"), int(port)


def address_key(address: str) -> tuple[int, int]:
    """Return by what IP addresses are ordered: IPv4 before IPv6, each as a number."""
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)
