"""Where webhooks may lead: to machines of the public net, and never to our own.

Whoever enters a URL could else have us ask what only we can reach. A name is resolved
once for each connection, all that it stands for is looked at, and what was looked at is
connected to: so nothing changes between the look and the connection.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from server.base.networks import Address

URL_LENGTH_MAX: Final = 2_000

# Of clouds, which answer there to whoever asks from a machine of theirs.
METADATA: Final = frozenset({IPv4Address("168.63.129.16"), IPv4Address("192.0.0.192")})
PUBLIC6: Final = IPv6Network("2000::/3")
TEREDO: Final = IPv6Network("2001::/32")
NAT64: Final = IPv6Network("64:ff9b::/96")


class Forbidden(OSError):
    """A webhook leads where none may."""


def is_public(address: Address) -> bool:
    """Return whether an address is of a machine in the public net.

    One of IPv6 that stands for one of IPv4 is what that is.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = IPv4Address(address.packed[-4:])
        if inner is not None:
            return is_public(inner)
        if address not in PUBLIC6 or address in TEREDO:
            return False
    if address in METADATA:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def fault_of(url: str, private: bool) -> str | None:
    """Return what is wrong with the URL of a hook, for people; None where nothing is.

    With `private` anything goes that is a URL of HTTP. What a name stands for is looked
    at each time that something is sent.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "Not a URL."
    if parts.scheme not in (("https", "http") if private else ("https",)):
        return "Expected a URL that begins with https://."
    host = parts.hostname
    if not host or port == 0 or any(sign.isspace() for sign in url):
        return "Not a URL with a host."
    if "@" in parts.netloc or parts.fragment or not url.isascii():
        return "A name, a password, a # or letters beyond ASCII are not sent."
    if not private and not _may_be_public(host):
        return "This leads to a private address."
    return None


def check_host(url: str) -> None:
    """Raise `Forbidden` for a URL with the address of a machine that is not public.

    Such a one is never resolved.
    """
    try:
        address = ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return
    if not is_public(address):
        raise Forbidden("it leads to a private address")


class PublicResolver(AbstractResolver):
    """Resolves names, to addresses of the public net or to nothing."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = ThreadedResolver() if inner is None else inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return all that a name stands for. Raises `Forbidden` where any is private.

        Any, because its owner would else only have to wait for us to try the other.
        """
        found = await self._inner.resolve(host, port, family)
        for one in found:
            # What follows the % is a network card of ours.
            if not is_public(ip_address(one["host"].partition("%")[0])):
                raise Forbidden("it leads to a private address")
        return found

    async def close(self) -> None:
        """Close what resolves."""
        await self._inner.close()


def _may_be_public(host: str) -> bool:
    """Return whether a host is none that is known to be private by its spelling."""
    try:
        return is_public(ip_address(host))
    except ValueError:
        # 127.1 and 2130706433 are resolved as any name is, and refused then.
        name = host.rstrip(".").lower()
        return name != "localhost" and not name.endswith((".localhost", ".internal"))
