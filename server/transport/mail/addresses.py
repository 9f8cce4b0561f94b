"""Email addresses: what may be one."""

import re
from typing import Final

from persistence.people.addresses import address_key
from server.base.refusals.refusals import wrong_field

EMAIL_LENGTH_MAX: Final = 254
NO_EMAIL: Final = "Not an email address."

# No more than keeps nonsense and header lines out: whether an address is one shows only
# when a mail arrives there.
_ADDRESS: Final = re.compile(
    r"""[^\s@"(),:;<>\[\]\\\x00-\x20\x7f]+ @ [^\s@"(),:;<>\[\]\\\x00-\x20\x7f]+""",
    re.VERBOSE,
)


def typed_email(text: str) -> str | None:
    """Return the address as it was typed; None where it can be none.

    What it is compared by is its `address_key`.
    """
    email = text.strip()
    if len(email) > EMAIL_LENGTH_MAX or not email.isprintable():
        return None
    if _ADDRESS.fullmatch(email) is None:
        return None
    key = address_key(email)
    if len(key) > EMAIL_LENGTH_MAX or _ADDRESS.fullmatch(key) is None:
        return None
    local, _, domain = key.partition("@")
    labels = domain.split(".")
    if len(local) > 64 or not all(0 < len(label) < 64 for label in labels):
        return None
    return email


def read_email(text: str, field: str = "email") -> str:
    """Return the address as it was typed; raises `Refusal` where it can be none."""
    email = typed_email(text)
    if email is None:
        raise wrong_field(field, NO_EMAIL)
    return email
