"""The administrator whom the environment names: made once, and left alone from then on.

The first process that starts with an address in its environment makes the account, or
gives the one there is its right and this password. That is noted, so that no later
start does it again: what becomes of the account afterwards, another password, another
role, a suspension or its end, is decided here and not by a file on some machine.
"""

import secrets

from persistence.people.accounts import Accounts
from server.base.settings import ConfigError
from server.people.auth.passwords.passwords import Passwords, weakness_of


async def ensure_admin(
    accounts: Accounts, passwords: Passwords, email: str, password: str
) -> None:
    """See that this address was made an administrator's once.

    Raises `Unavailable`, and `ConfigError` for a password that would be refused to
    anybody else.
    """
    if await accounts.was_made_admin(email):
        return
    account = await accounts.find_by_email(email)
    if account is not None and account.role == "admin":
        # Of a former version, or made by another administrator: it stays as it is.
        hashed = account.password_hash
    else:
        weakness = weakness_of(password)
        if weakness is not None:
            raise ConfigError(f"ONSALE_ADMIN_PASSWORD: {weakness}")
        hashed = await passwords.hash(password)
    await accounts.make_admin(f"usr_{secrets.token_urlsafe(16)}", email, hashed)
