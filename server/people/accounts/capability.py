"""Accounts: made, shown, edited, deleted, and looked after by administrators."""

from typing import Final

from persistence.people.users import Users
from server.people.accounts import rest, rest_codes, rest_register, rest_users
from server.people.accounts.examples import EXAMPLES
from server.people.accounts.mails import ACCOUNT_MAILS, AccountMails
from server.people.accounts.rest_users import USERS
from server.people.auth.sessions import ALONE_TOKEN_S, SESSION_TOKEN_S
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter
from server.transport.rest.story import OLGA


async def _open(startup: Startup) -> None:
    startup[ACCOUNT_MAILS] = AccountMails(startup.settings.public_url)
    startup[USERS] = Users(startup.pool, token_s=SESSION_TOKEN_S, alone_s=ALONE_TOKEN_S)


ACCOUNTS: Final = Capability(
    name="accounts",
    open=_open,
    routes=(
        *rest_register.ROUTES,
        *rest_codes.ROUTES,
        *rest.ROUTES,
        *rest_users.ROUTES,
    ),
    parameters={
        "user": PathParameter("The user's id.", OLGA),
    },
    makes={"users": "user"},
    tags={
        "Administration": """\
For administrators: users, their roles and suspensions, and the log of every call that
wrote. A new role or a suspension signs the user out everywhere.""",
    },
    examples=EXAMPLES,
)
