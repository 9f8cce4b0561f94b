"""Making an account, out of nothing or out of what a guest has."""

from typing import Final

from aiohttp import web
from msgspec import UNSET, UnsetType

from inventory.faults import Faults
from server.people.accounts.problems import EMAIL_TAKEN
from server.people.accounts.service_register import NEWCOMER_SERVICE, NewAccount
from server.people.auth.fields import (
    PASSWORD_WRITES,
    Email,
    NewPassword,
    check_email,
    check_new_password,
)
from server.people.auth.problems import ACCOUNT_SUSPENDED
from server.people.auth.rest import TokenDocument, answer_signed_in, device_of
from server.transport.http.problems import KEY_REUSED
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Locale, Name
from server.transport.rest.guard import meter_of
from server.transport.rest.route import Route


class Register(Body):
    """A new account.

    The password may be anything of at least 8 characters that is none of those which
    everybody tries first.
    """

    email: Email
    password: NewPassword
    name: Name
    locale: Locale | UnsetType = UNSET
    """In which language its mails are; `Accept-Language` where it is not said."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the address or the password."""
        check_email(faults, self.email)
        check_new_password(faults, "password", self.password)


async def register(call: Call) -> web.Response:
    """Make an account; a guest's token makes it the guest's, with all it has."""
    key, service = call.key, call[NEWCOMER_SERVICE]
    newcomer = service.begin(call.identity, meter_of(call))
    body = await call.body(Register)
    locale = call.locale if body.locale is UNSET else body.locale
    new = NewAccount(body.email, body.password, body.name, locale)
    signed = await service.register(newcomer, new, key, device_of(call))
    return answer_signed_in(call, signed, status=201)


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
