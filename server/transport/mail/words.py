"""How mails say what others typed in: as words, and no links."""

import re
from typing import Final

_LINKED: Final = re.compile(r"(?<=\w)[.:@](?=[\w/])|=(?=\?)")
"""What makes programs that show mails take a word for an address; and what begins an
encoded word in a header (RFC 2047), which could have anything in it."""

_JOINERS: Final = "\u200c\u200d"
_BREAK: Final = "\u200b"
"""Takes no room, and stands in no name of a host."""


def shortened(text: str, length_max: int) -> str:
    """Return the beginning of a text that is too long, with a sign that it is one."""
    return text if len(text) <= length_max else f"{text[: length_max - 1]}…"


def harmless(text: str) -> str:
    """Write what somebody typed in so that it is one line of words, and no link.

    Signs that are not printed go, those that turn the direction of writing with them.
    """
    words = " ".join(text.split())
    printed = "".join(sign for sign in words if sign.isprintable())
    return _LINKED.sub(rf"\g<0>{_BREAK}", printed)


def plain(text: str) -> str:
    """Write what an organisation says: as it is, links too, without hidden signs.

    Lines stay lines. Joiners stay, of which scripts and pictures of several signs are
    made; what turns the direction of writing goes, and what moves a cursor.
    """
    lines = text.replace("\t", " ").splitlines()
    return "\n".join(
        "".join(sign for sign in line if sign.isprintable() or sign in _JOINERS)
        for line in lines
    ).strip("\n")
