"""Addresses and networks, as settings name them."""

import ipaddress
from collections.abc import Iterable
from typing import Literal

ProxyHeader = Literal["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"]
"""A header by which proxies tell whom they ask for; one of them is believed."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_networks(names: Iterable[str]) -> tuple[Network, ...]:
    """Return trusted addresses and networks; raises ValueError for what is none."""
    return tuple(
        ipaddress.ip_network(name.strip(), strict=False)
        for name in names
        if name.strip()
    )
