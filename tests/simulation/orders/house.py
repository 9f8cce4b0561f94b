"""Who sells all there is."""

from typing import Final

from server.base.identity import Identity

HOUSE: Final = "house"
"""The organisation that each event is of."""

MANAGER: Final = Identity("org", "organizer", 1 << 40)
"""Who manages each event."""

OTHERS: Final = frozenset({"outside", "dispute"})
"""Why money goes back though nobody here asked for it."""
