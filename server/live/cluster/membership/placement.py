"""Which process should own an event, where nobody does: the same answer everywhere."""

from collections.abc import Collection
from hashlib import blake2b


def choose(event: str, processes: Collection[str]) -> str | None:
    """Return the process to own an event, by rendezvous hashing; None of none.

    When a process comes or goes, only events that it gets or had change their place.
    Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates",
    IEEE/ACM Transactions on Networking 6(1), 1998.
    """
    return max(processes, key=lambda process: _weight(event, process), default=None)


def _weight(event: str, process: str) -> bytes:
    return blake2b(f"{event} {process}".encode(), digest_size=8).digest()
