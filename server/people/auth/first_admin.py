"""The administrator whom the environment names: there, and with that password.

Every process sees to it when it starts. Where it is so already nothing is written: a
new hash of the same password would refuse whoever is signing in at that moment.
"""

import secrets

from persistence.people.accounts import Accounts
from server.people.auth.passwords import Passwords


async def ensure_admin(
    accounts: Accounts, passwords: Passwords, email: str, password: str
) -> None:
    """See that this address is an administrator's who has this password.

    Raises `Unavailable`.
    """
    while True:
        account = await accounts.find_by_email(email)
        hashed = None if account is None else account.password_hash
        good = hashed is not None and await passwords.verify(hashed, password)
        if account is not None and good:
            if account.role == "admin" and not account.suspended:
                return
        else:
            hashed = await passwords.hash(password)
        assert hashed is not None
        user_id = f"usr_{secrets.token_urlsafe(16)}"
        if await accounts.ensure_admin(user_id, email, hashed, account) is not None:
            return
        # Another process did something for this address meanwhile, perhaps the same.
