"""Which client a request comes from, where proxies stand in between.

A header such as `X-Forwarded-For` is a claim of whoever sent it. Proxies add to one of
them, or replace it, and pass on the others as their clients wrote them: so one is
configured, and no other is looked at. It counts only where the peer is a trusted proxy,
and is read from the right: the first address that is not a trusted proxy's own is the
client's.
"""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from server.base.networks import Address, Network, ProxyHeader

HOPS_MAX: Final = 32
PEERS_REMEMBERED_MAX: Final = 4_096
"""Reading an address takes 5 µs, and a client sends many requests."""

IPV6_CLIENT_PREFIX: Final = 64
"""One subscriber has at least this much of IPv6 to himself and may use any of it."""

IPV4_NETWORK: Final = 24
IPV6_NETWORK: Final = 48
IPV6_HOUSEHOLD: Final = 56
"""What one subscriber mostly gets of IPv6, whole."""

_LISTS: Final = frozenset({"X-Forwarded-For", "Forwarded"})
"""Headers to which each proxy adds; the others have one address, which is the last."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^",;]+|[,;]|"')
"""A part of `Forwarded` (RFC 7239, 4); a lone quote is one that is never closed."""

_IPV4_PORT = re.compile(r"^(\d{1,3}(?:\.\d{1,3}){3}):\d+$")
_BRACKETED = re.compile(r"^\[([^\]]+)\](?::\d+)?$")


def find_client(
    peer: str | None,
    trusted: Sequence[Network],
    header: ProxyHeader = "X-Forwarded-For",
    lines: Sequence[str] = (),
) -> str:
    """Return the client's address as text; the peer's name where it is not an address.

    `lines` are the values of all lines of the configured header, in order.
    """
    if not trusted:
        return _peer(peer or "unknown")
    address = _parse(peer or "")
    if address is None:
        return peer or "unknown"
    if not _is_trusted(address, trusted):
        return str(address)
    return str(_walk(address, trusted, _hops(header, lines))[0])


def came_by_https(
    peer: str | None,
    trusted: Sequence[Network],
    header: ProxyHeader,
    lines: Sequence[str],
    x_forwarded_proto: Sequence[str],
) -> bool:
    """Return whether a trusted proxy says that its client speaks TLS.

    `Forwarded` tells it beside the client's address; with the other headers it is the
    last of `X-Forwarded-Proto`, which the peer itself wrote.
    """
    address = _parse(peer or "")
    if address is None or not _is_trusted(address, trusted):
        return False
    if header != "Forwarded":
        told = _split(x_forwarded_proto)
        return bool(told) and told[-1].lower() == "https"
    elements = _elements(lines)
    hops = [element.get("for", "") for element in elements]
    _, looked = _walk(address, trusted, hops)
    # The last one that was looked at tells of the client, also where that is hidden.
    return looked > 0 and elements[-looked].get("proto", "").lower() == "https"


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
    return _within(client, IPV6_NETWORK)


@lru_cache(PEERS_REMEMBERED_MAX)
def crowd_of(client: str) -> str:
    """Return the network whose clients share what may be held from one: /24 or /56."""
    return _within(client, IPV6_HOUSEHOLD) or client


def _within(client: str, ipv6_prefix: int) -> str:
    """Return the network that an address, or one of IPv6, lies in; "" for none."""
    try:
        if "/" in client:
            network = ipaddress.ip_network(client, strict=False)
            prefix = min(ipv6_prefix, network.prefixlen)
            return str(network.supernet(new_prefix=prefix))
        prefix = ipv6_prefix if ":" in client else IPV4_NETWORK
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


def _hops(header: ProxyHeader, lines: Sequence[str]) -> list[str]:
    """Return who asked whom, as it is told: the peer's own client is the last."""
    if header == "Forwarded":
        return [element.get("for", "") for element in _elements(lines)]
    hops = _split(lines)
    return hops if header in _LISTS else hops[-1:]


def _walk(
    peer: Address, trusted: Sequence[Network], hops: Sequence[str]
) -> tuple[Address, int]:
    """Return the client's address, and how many hops from the right were looked at."""
    address, looked = peer, 0
    for hop in reversed(hops[-HOPS_MAX:]):
        looked += 1
        found = _parse(hop)
        if found is None:
            # Beyond something unreadable nothing can be believed.
            break
        address = found
        if not _is_trusted(address, trusted):
            break
    return address, looked


def _elements(lines: Sequence[str]) -> list[dict[str, str]]:
    """Return the elements of `Forwarded`; one that cannot be read has nothing in it."""
    return [element for line in lines for element in _elements_of(line)]


def _elements_of(line: str) -> list[dict[str, str]]:
    elements: list[dict[str, str]] = []
    pairs: dict[str, str] = {}
    text = ""
    for token in _TOKEN.findall(f"{line},"):
        if token == '"':
            # Where it ends is anybody's guess, so the whole line is nobody's word.
            return [{}]
        if token not in (",", ";"):
            text += token
            continue
        name, _, value = text.partition("=")
        name, text = name.strip().lower(), ""
        # What is said twice is not said.
        pairs[name] = "" if name in pairs else value.strip().strip('"')
        if token == ",":
            elements.append(pairs)
            pairs = {}
    return elements


def _parse(text: str) -> Address | None:
    bracketed = _BRACKETED.match(text)
    with_port = _IPV4_PORT.match(text)
    bare = bracketed or with_port
    plain = bare.group(1) if bare else text
    if "%" in plain:
        # A zone means something on its own machine only, and may be any text.
        return None
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
