"""What all that concerns accounts has in common: addresses, passwords, devices."""

import time
from typing import Annotated, Final

from msgspec import Meta

from persistence.accounts import Account
from persistence.addresses import address_key
from persistence.sessions import Device
from server.accounts.emails import EMAIL_LENGTH_MAX, typed_email
from server.accounts.passwords import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    PasswordsBusy,
    normal_password,
)
from server.rest.bodies import is_clean
from server.rest.call import Call
from server.rest.client_address import network_of
from server.rest.guard import enforce
from server.rest.problems import ProblemError, bad_field

USER_AGENT_LENGTH_MAX: Final = 200

Email = Annotated[str, Meta(min_length=3, max_length=EMAIL_LENGTH_MAX)]
Password = Annotated[str, Meta(min_length=1, max_length=PASSWORD_LENGTH_MAX)]
NewPassword = Annotated[
    str, Meta(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
]


def read_email(text: str, field: str = "email") -> str:
    """Return the address as it was typed; raises `ProblemError`."""
    email = typed_email(text)
    if email is None:
        raise bad_field(field, "Not an email address.")
    return email


async def hash_password(call: Call, password: str, field: str) -> str:
    """Return the hash of a password that somebody chose; raises `ProblemError`."""
    if len(normal_password(password)) < PASSWORD_LENGTH_MIN:
        raise bad_field(field, f"At least {PASSWORD_LENGTH_MIN} characters.")
    try:
        return await call.context.passwords.hash(password)
    except PasswordsBusy as error:
        raise _busy() from error


async def verify_password(
    call: Call, account: Account | None, email: str, password: str
) -> bool:
    """Tell whether a password is that of the account; guesses are counted.

    It takes its time for nobody's account as well.
    """
    if call.context.limits is not None:
        verdict = call.context.limits.login(
            call.client, address_key(email), time.monotonic()
        )
        enforce(call.request, verdict)
    stored_hash = None if account is None else account.password_hash
    try:
        return await call.context.passwords.verify(stored_hash, password)
    except PasswordsBusy as error:
        raise _busy() from error


def count_mail(call: Call, email: str) -> None:
    """Count a mail that the caller has us send; refuse it where there were too many."""
    if call.context.limits is not None:
        verdict = call.context.limits.mail(
            call.client, address_key(email), time.monotonic()
        )
        enforce(call.request, verdict)


async def account_of(call: Call) -> Account:
    """Return the caller's account."""
    account = await call.context.accounts.find(call.who.user)
    if account is None:
        raise ProblemError("unauthenticated", "This account is not there any more.")
    return account


def device_of(call: Call) -> Device:
    """Return what is kept of where a request comes from."""
    text = call.request.headers.get("User-Agent", "")
    agent = text[:USER_AGENT_LENGTH_MAX] if is_clean(text) else ""
    return Device(user_agent=agent, address=network_of(call.client))


def _busy() -> ProblemError:
    return ProblemError("overloaded", "Too many passwords at once.")
