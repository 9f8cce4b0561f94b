"""How much of everything one organisation may have, or one account without any.

Settings of the operator. Each is counted when something is made; give or take what is
made in the same moment.
"""

from msgspec import Struct


class Quotas(Struct, frozen=True, kw_only=True):
    """The most of each; what was deleted does not count, but where that is said."""

    venues: int = 200
    events: int = 10_000
    seats: int = 2_000_000
    """Of all venues together."""
    map_bytes: int = 1 << 30
    """Of all maps, as they are stored: also of deleted venues, while there are events
    whose journals are read with them."""
    images: int = 2_000
    image_bytes: int = 1 << 30
    members: int = 500
    keys: int = 50


DEFAULT_QUOTAS = Quotas()
