"""Accounts and sessions for the tests of what keeps them."""

from hashlib import sha256

from persistence.mail import Code, Mail
from persistence.people.accounts import Account, Accounts, Erase
from persistence.people.organisations import MemberRole, Organisations, join
from persistence.people.sessions import Device, Sessions
from persistence.postgres.pool import Pool

TOKEN_S = 960
ALONE_S = 7 * 86_400 + 60
LASTS_S = 30 * 86_400
ANNA = Account("usr_1", "anna@example.org", "hash", "customer", "Anna")
PHONE = Device("phone", "203.0.113.0/24")
LAPTOP = Device("laptop", "2001:db8::/48")


def accounts_of(pool: Pool, *erase: Erase) -> Accounts:
    return Accounts(pool, token_s=TOKEN_S, alone_s=ALONE_S, erase=erase)


def sessions_of(pool: Pool, lasts_s: int = LASTS_S) -> Sessions:
    return Sessions(pool, lasts_s=lasts_s, token_s=TOKEN_S)


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def mail(name: str, user: str = "usr_1", lasts_s: int = 3_600) -> Mail:
    return Mail(name, user, ANNA.email, "reset_password", {"code": "secret"}, lasts_s)


def code(name: str, purpose="verify", email="anna@example.org", lasts_s=3_600) -> Code:
    return Code(digest(name), "usr_1", purpose, email, lasts_s)


async def revoked(sessions: Sessions) -> dict[str, bool]:
    """Whom all processes have to refuse, and whether sockets are closed too."""
    return {one.subject: one.sockets for one in await sessions.revoked_since(0)}


async def registered(pool: Pool, *names: str) -> None:
    """Make an account for each name: `usr_anna` of anna@example.org."""
    for name in names:
        wanted = Account(
            f"usr_{name}", f"{name}@example.org", "hash", "customer", name.title()
        )
        assert await accounts_of(pool).create(wanted) is not None


async def organised(pool: Pool, name: str = "org", **members: MemberRole) -> None:
    """Make an organisation of the accounts named, with these roles; one is owner."""
    (owner, *_) = [one for one, role in members.items() if role == "owner"]
    organisations = Organisations(pool)
    await organisations.create(
        name, "Theatre", "", created_by=f"usr_{owner}", request_hash=b"h"
    )
    for member, role in members.items():
        if member != owner:
            async with pool.transaction() as connection:
                await join(connection, name, f"usr_{member}", role, 500)
