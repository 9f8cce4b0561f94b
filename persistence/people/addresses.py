"""Email addresses: when two of them are one.

An address is stored as it was typed, which is how it is shown and where mails go, and
beside that by its key: what accounts, attendees, invitations and limits know it by.
Migration 0014 made the keys of those that were there before, by the same rules.
"""

import unicodedata
from typing import Final

import idna

_FULL_STOP: Final = "\u3002"
"""Of Chinese and Japanese, between labels too; NFKC leads others to it."""


def address_key(email: str) -> str:
    """Return the one way in which we write an address, of all its spellings.

    Both parts are composed (NFC) and in lower case, the domain is in ASCII. Whether it
    can be an address at all is for others to say.
    """
    local, _, domain = email.strip().partition("@")
    local = unicodedata.normalize("NFC", local).lower()
    # Lower case may take apart again what was composed.
    return f"{unicodedata.normalize('NFC', local)}@{ascii_domain(domain)}"


def in_ascii_domain(email: str) -> str:
    """Return an address as servers of mail take it: its domain in ASCII (IDNA)."""
    local, at, domain = email.rpartition("@")
    return f"{local}{at}{ascii_domain(domain)}" if at else email


def ascii_domain(domain: str) -> str:
    """Return a domain in lower case and in ASCII, as the name system knows it."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        # Such as those of emoji, which the rules of today do not know and some have.
        labels = unicodedata.normalize("NFKC", domain).lower().replace(_FULL_STOP, ".")
        return ".".join(map(_encoded, labels.split(".")))


def _encoded(label: str) -> str:
    label = unicodedata.normalize("NFC", label)
    if label.isascii():
        return label
    return f"xn--{label.encode('punycode').decode('ascii')}"
