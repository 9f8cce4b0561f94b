"""Which client a request comes from, where proxies stand in between.

`X-Forwarded-For` and `Forwarded` are claims of whoever sent them. They count only where
the peer is a trusted proxy, and are read from the right: the first address that is not
a trusted proxy's own is the client's.
"""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from server.base.networks import Address, Network

HOPS_MAX: Final = 32
PEERS_REMEMBERED_MAX: Final = 4_096
"""Reading an address takes 5 µs, and a client sends many requests."""

IPV6_CLIENT_PREFIX: Final = 64
"""One subscriber has at least this much of IPv6 to himself and may use any of it."""

IPV4_NETWORK: Final = 24
IPV6_NETWORK: Final = 48

_FORWARDED_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*("[^"]*"|[^;"\s]+)', re.IGNORECASE)
_HTTPS = re.compile(r'(?:^|;)\s*proto\s*=\s*"?https"?\s*(?:;|$)', re.IGNORECASE)
_IPV4_PORT = re.compile(r"^(\d{1,3}(?:\.\d{1,3}){3}):\d+$")
_BRACKETED = re.compile(r"^\[([^\]]+)\](?::\d+)?$")


def find_client(
    peer: str | None,
    trusted: Sequence[Network],
    forwarded: Sequence[str] = (),
    x_forwarded_for: Sequence[str] = (),
) -> str:
    """Return the client's address as text; the peer's name where it is not an address.

    The header arguments are the values of all header lines of that name, in order.
    `Forwarded` goes before `X-Forwarded-For` where both are there.
    """
    if not trusted:
        return _peer(peer or "unknown")
    address = _parse(peer or "")
    if address is None:
        return peer or "unknown"
    if not _is_trusted(address, trusted):
        return str(address)
    hops = _forwarded_hops(forwarded) if forwarded else _split(x_forwarded_for)
    for hop in reversed(hops[-HOPS_MAX:]):
        found = _parse(hop)
        if found is None:
            # Beyond something unreadable nothing can be believed.
            break
        address = found
        if not _is_trusted(address, trusted):
            break
    return str(address)


def came_by_https(
    peer: str | None,
    trusted: Sequence[Network],
    forwarded: Sequence[str],
    x_forwarded_proto: Sequence[str],
) -> bool:
    """Return whether a trusted proxy says that its client speaks TLS."""
    if not trusted or not (forwarded or x_forwarded_proto):
        return False
    if not is_trusted(peer or "", trusted):
        return False
    if forwarded:
        return any(_HTTPS.search(element) for element in _split(forwarded))
    return "https" in (hop.lower() for hop in _split(x_forwarded_proto))


@lru_cache(PEERS_REMEMBERED_MAX)
def limit_key(client: str) -> str:
    """Return what requests of one client are counted under."""
    address = _parse(client)
    if isinstance(address, ipaddress.IPv6Address):
        network = ipaddress.ip_network((address, IPV6_CLIENT_PREFIX), strict=False)
        return str(network)
    return client


@lru_cache(PEERS_REMEMBERED_MAX)
def network_of(client: str) -> str:
    """Return the network of an address: enough to know it again, and no more."""
    try:
        if "/" in client:
            network = ipaddress.ip_network(client, strict=False)
            prefix = min(IPV6_NETWORK, network.prefixlen)
            return str(network.supernet(new_prefix=prefix))
        prefix = IPV6_NETWORK if ":" in client else IPV4_NETWORK
        return str(ipaddress.ip_network(f"{client}/{prefix}", strict=False))
    except ValueError:
        return ""


def is_trusted(client: str, trusted: Sequence[Network]) -> bool:
    """Return whether this is the address of a trusted proxy."""
    address = _parse(client)
    return address is not None and _is_trusted(address, trusted)


@lru_cache(PEERS_REMEMBERED_MAX)
def _peer(name: str) -> str:
    address = _parse(name)
    return name if address is None else str(address)


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _split(lines: Sequence[str]) -> list[str]:
    return [hop.strip() for line in lines for hop in line.split(",")]


def _forwarded_hops(lines: Sequence[str]) -> list[str]:
    hops = []
    for element in _split(lines):
        found = _FORWARDED_FOR.search(element)
        hops.append(found.group(1).strip('"') if found else "")
    return hops


def _parse(text: str) -> Address | None:
    bracketed = _BRACKETED.match(text)
    with_port = _IPV4_PORT.match(text)
    bare = bracketed or with_port
    try:
        address = ipaddress.ip_address(bare.group(1) if bare else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
