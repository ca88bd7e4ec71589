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
    if trust_proxy:
        # The last address is the one that the proxy itself added.
        address = counted(forwarded.rpartition(",")[2])
        if address is not None:
            return address
    return counted(peer)
