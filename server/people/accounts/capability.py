"""Accounts: made, shown, edited, deleted, and looked after by administrators."""

from typing import Final

from persistence.people.users import Users
from server.people.accounts import rest, rest_codes, rest_register, rest_users
from server.people.accounts.examples import EXAMPLES
from server.people.accounts.service import USER_SERVICE, UserService
from server.people.accounts.service_codes import CODE_SERVICE, CodeService
from server.people.accounts.service_own import ACCOUNT_SERVICE, AccountService
from server.people.accounts.service_register import NEWCOMER_SERVICE, NewcomerService
from server.people.auth import service
from server.people.auth.sessions import ALONE_TOKEN_S, SESSION_TOKEN_S, SIGN_INS
from server.transport.capability.capability import Capability, Startup
from server.transport.mail.sender import OUTBOX
from server.transport.rest.examples import PathParameter
from server.transport.rest.story import OLGA


async def _open(startup: Startup) -> None:
    users = Users(startup.pool, token_s=SESSION_TOKEN_S, alone_s=ALONE_TOKEN_S)
    accounts, end_here = startup[service.ACCOUNTS], startup[SIGN_INS].end_here
    sign_in = startup[service.SIGN_IN_SERVICE]
    startup[USER_SERVICE] = UserService(accounts, users, end_here)
    startup[ACCOUNT_SERVICE] = AccountService(accounts, sign_in, end_here)
    startup[NEWCOMER_SERVICE] = NewcomerService(accounts, sign_in, end_here)
    startup[CODE_SERVICE] = CodeService(accounts, startup[OUTBOX], sign_in, end_here)


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
