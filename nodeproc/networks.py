"""The networks in which nodes may be, and the addresses to which nothing ever connects. Pure.

Birdwatcher connects to any address that somebody enters, and shows what it answers. So it must be
no way to services that answer to this machine alone, such as a cloud's metadata.
"""

import functools
import ipaddress
from collections.abc import Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NAME = "BIRDWATCHER_NODE_NETWORKS"
METADATA = "where cloud metadata services answer"
# Refused unless a network that is named lies within one of these.
FORBIDDEN: tuple[tuple[Network, str], ...] = (
    (ipaddress.ip_network("169.254.0.0/16"), f"a link-local address, {METADATA}"),
    (ipaddress.ip_network("fe80::/10"), f"a link-local address, {METADATA}"),
    (ipaddress.ip_network("fd00:ec2::254/128"), f"an address {METADATA}"),
    (ipaddress.ip_network("0.0.0.0/32"), "this machine itself"),
    (ipaddress.ip_network("::/128"), "this machine itself"),
)
# Their last 32 bits are an IPv4 address: NAT64 (RFC 6052, RFC 8215), translated (RFC 2765),
# compatible (RFC 4291).
IPV4_AT_THE_END = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96"))
)
# RFC 6052 puts it elsewhere in a network of this length: around the bits 64 to 71.
NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")


def parse_networks(text: str) -> tuple[str, ...]:
    """Return the networks that commas separate. Raises ValueError with what is allowed."""
    try:
        return tuple(str(ipaddress.ip_network(word.strip())) for word in text.split(","))
    except ValueError:
        raise ValueError(
            "networks such as 10.0.0.0/8 or 2001:db8::/32, separated by commas"
        ) from None


def refusal(address: str, allowed: tuple[str, ...]) -> str | None:
    """Return why no node may be at `address`, one sentence without a stop; None if one may be.

    `allowed` are networks as `parse_networks` returns them.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        # A name would be looked up, which may lead anywhere.
        return f"{address} is not an IP address"
    networks = _parsed(allowed)
    # The kernel connects by IPv4 to a mapped address.
    mapped = getattr(found, "ipv4_mapped", None)
    real: Address = mapped or found
    for target in (real, *_inside(real)):
        if why := _forbidden(target, networks):
            leads = "is" if target == found else f"leads to {target},"
            return f"{address} {leads} {why}; {NAME} does not name it"
    if not any(_has(network, real) for network in networks):
        return f"{address} is in none of the networks of {NAME}"
    return None


@functools.cache
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, networks))


def _forbidden(address: Address, allowed: tuple[Network, ...]) -> str | None:
    """Return what is at a forbidden address, unless a network within the forbidden one has it."""
    for network, why in FORBIDDEN:
        if _has(network, address):
            named = (it for it in allowed if _has(it, address))
            return None if any(it.prefixlen >= network.prefixlen for it in named) else why
    return None


def _has(network: Network, address: Address) -> bool:
    return network.version == address.version and address in network


def _inside(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """Yield the IPv4 addresses to which translators and tunnels may bring an IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    number, places = int(address), []
    if any(address in network for network in IPV4_AT_THE_END):
        places.append(number & 0xFFFF_FFFF)
    if address in NAT64_LOCAL:
        places.append((number >> 48 & 0xFFFF_0000) | (number >> 40 & 0xFFFF))
    yield from (ipaddress.IPv4Address(it) for it in places if it)  # 0 in the place not used
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield address.teredo[1]
