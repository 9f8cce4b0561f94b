"""Making an account, out of nothing or out of what a guest has."""

from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web

from inventory.faults import Faults
from persistence.people.accounts import Account
from persistence.people.addresses import address_key
from server.people.accounts.mails import ACCOUNT_MAILS
from server.people.accounts.problems import EMAIL_TAKEN
from server.people.auth.fields import (
    ACCOUNTS,
    PASSWORD_WRITES,
    Email,
    NewPassword,
    check_email,
    check_new_password,
    count_registration,
    count_welcome,
    hash_password,
    read_email,
    verify_password,
)
from server.people.auth.problems import ACCOUNT_SUSPENDED
from server.people.auth.rest import TokenDocument, sign_in
from server.people.auth.sessions import SIGN_INS
from server.transport.http.problems import KEY_REUSED, ProblemError
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Name
from server.transport.rest.idempotency import new_id
from server.transport.rest.route import Route

REPEATED: Final = timedelta(hours=1)
"""How long after an account was made the same request again is answered as the first.

By the clocks of two machines, whose difference matters little in an hour."""


class Register(Body):
    """A new account.

    The password may be anything of at least 8 characters that is none of those which
    everybody tries first.
    """

    email: Email
    password: NewPassword
    name: Name

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the address or the password."""
        check_email(faults, self.email)
        check_new_password(faults, "password", self.password)


async def register(call: Call) -> web.Response:
    """Make an account; a guest's token makes it the guest's, with all it has."""
    key = call.key
    count_registration(call)
    body = await call.body(Register)
    email = read_email(body.email)
    # Before it is known whether there is an account: so nobody asks that often, either.
    count_welcome(call, email)
    guest = call.identity if call.identity and call.identity.role == "guest" else None
    user = guest.user if guest else new_id("usr", address_key(email), key)
    # Hashed in any case, so that its time does not tell who has an account.
    hashed = await hash_password(call, body.password)
    wanted = Account(user, email, hashed, "customer", body.name)
    message = call[ACCOUNT_MAILS].verify(user, email)
    account = await call[ACCOUNTS].create(wanted, [message.mail], [message.code])
    if account is not None:
        # Whoever gave the guest its token knows it, and would be somebody with it now;
        # so would a socket that was opened with it.
        call[SIGN_INS].end_here(user, [user])
    else:
        account = await _registered_before(call, user, email, body.password)
    return await sign_in(call, account, status=201)


async def _registered_before(
    call: Call, user: str, email: str, password: str
) -> Account:
    """Return the account where this is the same request once more.

    For a while only, and what is shown counts as a guess at the password, as it does
    where one logs in: a key that others know is no way round that.
    """
    found = await call[ACCOUNTS].find_by_email(email)
    if found is None or found.user_id != user or not _is_new(found):
        raise ProblemError(EMAIL_TAKEN)
    if not await verify_password(call, found, email, password):
        raise ProblemError(KEY_REUSED)
    return found


def _is_new(account: Account) -> bool:
    """Return whether an account is so new that its maker may not have heard of it."""
    made_at = account.created_at
    return made_at is not None and datetime.now(UTC) - made_at < REPEATED


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/auth/register",
        handler=register,
        name="register",
        who=(
            "Needs no token; with a guest's, the account takes over what the guest "
            "holds and has booked."
        ),
        budget="own",
        summary="Make an account; with a guest's token it keeps holds and bookings",
        tag="People",
        access="anyone",
        body=Register,
        answers=TokenDocument,
        status=201,
        keyed=True,
        problems=(*PASSWORD_WRITES, EMAIL_TAKEN, KEY_REUSED, ACCOUNT_SUSPENDED),
    ),
)
