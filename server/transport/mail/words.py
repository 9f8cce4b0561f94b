"""How mails say what they tell of: times on clocks, and names that others typed in."""

import re
from typing import Final

from inventory.zones import local_time, zone_of

_LINKED: Final = re.compile(r"(?<=\w)[.:@](?=[\w/])|=(?=\?)")
"""What makes programs that show mails take a word for an address; and what begins an
encoded word in a header (RFC 2047), which could have anything in it."""

_BREAK: Final = "\u200b"
"""Takes no room, and stands in no name of a host."""


def told_time(unix_ms: int, timezone: str) -> str:
    """Write a time as the clocks where the event is show it, and which those are."""
    zone = zone_of(timezone)
    local = local_time(unix_ms, zone)
    name = local.tzname()
    where = "" if name == zone.key else f" ({zone.key})"
    return f"{local.year:04}-{local:%m-%d %H:%M} {name}{where}"


def harmless(text: str) -> str:
    """Write what somebody typed in so that it is one line of words, and no link.

    Signs that are not printed go, those that turn the direction of writing with them.
    """
    words = " ".join(text.split())
    printed = "".join(sign for sign in words if sign.isprintable())
    return _LINKED.sub(rf"\g<0>{_BREAK}", printed)
