"""What all that concerns accounts has in common: addresses, passwords, devices."""

import time
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta

from inventory.faults import Faults
from persistence.people.accounts import Account, Accounts
from persistence.people.addresses import address_key
from persistence.people.sessions import Device
from server.people.auth.passwords import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    PASSWORDS,
    PasswordsBusy,
    weakness_of,
)
from server.transport.http.client_address import network_of
from server.transport.http.problems import (
    OVERLOADED,
    UNAUTHENTICATED,
    ProblemError,
    bad_field,
)
from server.transport.mail.addresses import EMAIL_LENGTH_MAX, typed_email
from server.transport.ratelimit.request_limits import LIMITS
from server.transport.rest.bodies import is_clean
from server.transport.rest.call import Call
from server.transport.rest.guard import enforce
from server.transport.rest.route import WRITES

USER_AGENT_LENGTH_MAX: Final = 200
NO_EMAIL: Final = "Not an email address."

Email = Annotated[str, Meta(min_length=3, max_length=EMAIL_LENGTH_MAX)]
Password = Annotated[str, Meta(min_length=1, max_length=PASSWORD_LENGTH_MAX)]
NewPassword = Annotated[
    str, Meta(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
]


def check_email(faults: Faults, text: str) -> None:
    """Add what is wrong with an address, in the field of that name."""
    if typed_email(text) is None:
        faults.add("email", NO_EMAIL)


def check_new_password(faults: Faults, field: str, password: str) -> None:
    """Add what is wrong with a password that somebody chose."""
    weakness = weakness_of(password)
    if weakness is not None:
        faults.add(field, weakness)


def read_email(text: str, field: str = "email") -> str:
    """Return the address as it was typed; raises `ProblemError`."""
    email = typed_email(text)
    if email is None:
        raise bad_field(field, NO_EMAIL)
    return email


PASSWORD_WRITES: Final = (*WRITES, OVERLOADED)
"""What may be wrong with a body that holds a password, and with hashing it."""


SAME_PASSWORD: Final = "This is the password that you have: choose another."


async def hash_password(call: Call, password: str) -> str:
    """Return the hash of a password that was checked; raises `ProblemError`."""
    try:
        return await call[PASSWORDS].hash(password)
    except PasswordsBusy as error:
        raise _busy() from error


async def verify_password(
    call: Call, account: Account | None, email: str, password: str
) -> bool:
    """Return whether a password is that of the account; guesses are counted.

    It takes its time for nobody's account as well.
    """
    limits = call.find(LIMITS)
    if limits is not None:
        verdict = limits.login(call.client, address_key(email), time.monotonic())
        enforce(call.request, verdict)
    stored_hash = None if account is None else account.password_hash
    try:
        return await call[PASSWORDS].verify(stored_hash, password)
    except PasswordsBusy as error:
        raise _busy() from error


async def refuse_same(call: Call, account: Account, password: str, field: str) -> None:
    """Raise where somebody chooses the password that the account has."""
    try:
        same = await call[PASSWORDS].verify(account.password_hash, password)
    except PasswordsBusy as error:
        raise _busy() from error
    if same:
        raise bad_field(field, SAME_PASSWORD)


def count_registration(call: Call) -> None:
    """Count a new account of the caller's address; refuse it where it made too many."""
    limits = call.find(LIMITS)
    if limits is not None:
        enforce(call.request, limits.registration(call.client, time.monotonic()))


def count_welcome(call: Call, email: str) -> None:
    """Count the mail to a new account; refuse it where the address got too many.

    Whatever became of those that it had before.
    """
    limits = call.find(LIMITS)
    if limits is not None:
        enforce(call.request, limits.welcome(address_key(email), time.monotonic()))


def count_mail(call: Call, email: str) -> None:
    """Count a mail that the caller has us send; refuse it where there were too many.

    Each address gets few, and each sender, its network and its user, sends few.
    """
    limits, who = call.find(LIMITS), call.identity
    if limits is not None:
        user = None if who is None else who.user
        verdict = limits.mail(call.client, address_key(email), time.monotonic(), user)
        enforce(call.request, verdict)


def count_notice(call: Call, email: str) -> None:
    """Count a mail that tells somebody of what the caller does, as `count_mail`."""
    limits = call.find(LIMITS)
    if limits is not None:
        verdict = limits.notice(call.who.user, address_key(email), time.monotonic())
        enforce(call.request, verdict)


async def account_of(call: Call) -> Account:
    """Return the caller's account."""
    account = await call[ACCOUNTS].find(call.who.user)
    if account is None:
        raise ProblemError(UNAUTHENTICATED, "This account is not there any more.")
    return account


def device_of(call: Call) -> Device:
    """Return what is kept of where a request comes from."""
    text = call.request.headers.get("User-Agent", "")
    agent = text[:USER_AGENT_LENGTH_MAX] if is_clean(text) else ""
    return Device(user_agent=agent, address=network_of(call.client))


def _busy() -> ProblemError:
    return ProblemError(OVERLOADED, "Too many passwords at once.")


ACCOUNTS: Final = web.AppKey("accounts", Accounts)
