"""The addresses by which clients are counted."""

import ipaddress
from functools import lru_cache

# A client with one IPv6 address usually has this whole network.
IPV6_NETWORK = 64


@lru_cache(maxsize=4096)
def counted(text: str) -> str | None:
    """Return an address as it is counted, for IPv6 that of the network; None if it is none."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), IPV6_NETWORK), strict=False).network_address)


def client_of(peer: str, forwarded: str, *, trust_proxy: bool) -> str | None:
    """Return the address by which a client is counted; None over a local socket.

    `peer`: the other end of the connection. `forwarded`: the header X-Forwarded-For, which counts
    only with `trust_proxy`.
    """
    address = address_of(peer, forwarded, trust_proxy=trust_proxy)
    return counted(address) if address else None


def address_of(peer: str, forwarded: str, *, trust_proxy: bool) -> str | None:
    """Return the address of a client itself, for people to read; see `client_of`."""
    # The last address is the one that the proxy itself added.
    texts = [forwarded.rpartition(",")[2], peer] if trust_proxy else [peer]
    found = (text.strip() for text in texts)
    return next((text for text in found if counted(text) is not None), None)
