"""Addresses and networks, as settings name them."""

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_networks(names: Iterable[str]) -> tuple[Network, ...]:
    """Return trusted addresses and networks; raises ValueError for what is none."""
    return tuple(
        ipaddress.ip_network(name.strip(), strict=False)
        for name in names
        if name.strip()
    )
