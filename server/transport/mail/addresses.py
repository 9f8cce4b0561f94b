"""Email addresses: what may be one, and the one way we write each."""

import re
from typing import Final

EMAIL_LENGTH_MAX: Final = 254

# No more than keeps nonsense and header lines out: whether an address is one shows only
# when a mail arrives there.
_ADDRESS: Final = re.compile(
    r"""[^\s@"(),:;<>\[\]\\\x00-\x20\x7f]+ @ [^\s@"(),:;<>\[\]\\\x00-\x20\x7f]+""",
    re.VERBOSE,
)


def normal_email(text: str) -> str | None:
    """Return the address in lower case; None where it can be none."""
    email = text.strip().lower()
    if len(email) > EMAIL_LENGTH_MAX or not email.isprintable():
        return None
    if _ADDRESS.fullmatch(email) is None:
        return None
    local, _, domain = email.partition("@")
    labels = domain.split(".")
    if len(local) > 64 or not all(0 < len(label) < 64 for label in labels):
        return None
    return email
