"""Where the topics of a Redis Cluster are: each master has some of the slots."""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from server.transport.bus.bus import BusError
from server.transport.bus.redis_link import Link, address_of

__all__ = ["SLOTS", "Range", "key_slot", "node_of", "ranges"]

SLOTS: Final = REDIS_CLUSTER_HASH_SLOTS
SCHEMES: Final = {"redis+cluster": "redis", "rediss+cluster": "rediss"}


class Range(NamedTuple):
    """Slots that one master has, the last of them included."""

    first: int
    last: int
    url: str


def node_of(url: str) -> str | None:
    """Return the address of the one node that a cluster's address names.

    None: it is not the address of a cluster.
    """
    scheme, colon, rest = url.partition(":")
    return f"{SCHEMES[scheme]}{colon}{rest}" if scheme in SCHEMES else None


async def ranges(url: str) -> list[Range]:
    """Ask a node who has which slots; raises BusError."""
    answer = await Link.ask_once(url, b"CLUSTER", b"SLOTS")
    found = []
    try:
        for first, last, (name, port, *_), *_ in answer:
            # A node that does not know its own name is where we asked it.
            host = (name or b"").decode().strip("?") or urlsplit(url).hostname or ""
            found.append(Range(first, last, _at(url, host, port)))
    except (TypeError, ValueError):
        where = address_of(url)
        raise BusError(f"What answers at {where} is no Redis Cluster.") from None
    return found


def _at(url: str, host: str, port: int) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    host = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=f"{user}{at}{host}:{port}").geturl()
