"""Those who ask services something, in tests: of the organisation `org`, and others."""

from typing import Any

from server.base.identity import Identity, Machine, Role

PEOPLE = ("olga", "lena", "stan", "mia", "maker")
"""Those with an account."""


def person(name: str, role: Role = "customer") -> Identity:
    """Return somebody with a token."""
    return Identity(f"usr_{name}", role, 2**31)


def machine(organisation: str, *scopes: Any) -> Machine:
    """Return a machine of an organisation, with these scopes of its key."""
    return Machine(
        "key_1", "key", 2**31, organisation=organisation, scopes=frozenset(scopes)
    )


OLGA, LENA, STAN = person("olga"), person("lena"), person("stan")
"""Owner, leader and staff of the organisation."""
MIA = person("mia")
"""Somebody with an account, of no organisation."""
MAKER = person("maker", "organizer")
"""An organiser, of no organisation."""
GUEST = person("guest", "guest")
ADMIN = person("root", "admin")
