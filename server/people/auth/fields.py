"""What bodies that concern accounts have in common: addresses and passwords."""

from typing import Annotated, Final

from msgspec import Meta

from inventory.faults import Faults
from server.people.auth.passwords.passwords import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    weakness_of,
)
from server.transport.http.problems import OVERLOADED
from server.transport.mail.addresses import EMAIL_LENGTH_MAX, NO_EMAIL, typed_email
from server.transport.rest.route import WRITES

Email = Annotated[str, Meta(min_length=3, max_length=EMAIL_LENGTH_MAX)]
Password = Annotated[str, Meta(min_length=1, max_length=PASSWORD_LENGTH_MAX)]
NewPassword = Annotated[
    str, Meta(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
]

PASSWORD_WRITES: Final = (*WRITES, OVERLOADED)
"""What may be wrong with a body that holds a password, and with hashing it."""


def check_email(faults: Faults, text: str) -> None:
    """Add what is wrong with an address, in the field of that name."""
    if typed_email(text) is None:
        faults.add("email", NO_EMAIL)


def check_new_password(faults: Faults, field: str, password: str) -> None:
    """Add what is wrong with a password that somebody chose."""
    weakness = weakness_of(password)
    if weakness is not None:
        faults.add(field, weakness)
