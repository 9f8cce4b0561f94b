"""Sign-in: keys, tokens, sessions, and the administrator that settings name."""

import asyncio
from functools import partial
from typing import Final

from persistence.people.accounts import Accounts
from persistence.people.sessions import Sessions
from persistence.people.tokens.guests import GuestRows
from persistence.people.tokens.token_keys import TokenKeys
from server.base.settings import Config
from server.live.fanout.hub import HUB
from server.people.auth import rest, rest_sessions
from server.people.auth.examples import EXAMPLES
from server.people.auth.first_admin import ensure_admin
from server.people.auth.lifetimes import SESSION_S, USED_TOKENS_S
from server.people.auth.passwords.passwords import Passwords
from server.people.auth.revocations import tell_others
from server.people.auth.service import ACCOUNTS, SIGN_IN_SERVICE, SignInService
from server.people.auth.sessions import (
    ALONE_TOKEN_S,
    FORGET_S,
    SESSION_TOKEN_S,
    SIGN_INS,
    SignIns,
)
from server.people.auth.tokens import rest_keys
from server.people.auth.tokens.guests import Guests
from server.people.auth.tokens.key_rotation import KeyRotation
from server.people.auth.tokens.tokens import TOKENS
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS
from server.transport.ratelimit.request_limits import LIMITS
from server.transport.rest.examples import PathParameter
from server.transport.rest.guard import AUTHENTICATOR, GUEST_BOOK


async def _open(startup: Startup) -> None:
    settings, pool = startup.settings, startup.pool
    passwords = Passwords()

    async def close() -> None:
        passwords.close()

    startup.on_stop(close)
    erase = [erase for one in startup.capabilities for erase in one.erase]
    startup[ACCOUNTS] = accounts = Accounts(
        pool, token_s=SESSION_TOKEN_S, alone_s=ALONE_TOKEN_S, erase=erase
    )
    sessions = Sessions(pool, lasts_s=SESSION_S, token_s=SESSION_TOKEN_S)
    keys = KeyRotation(TokenKeys(pool), settings.secret_key, settings.old_secret_key)
    startup[TOKENS] = startup[AUTHENTICATOR] = tokens = await keys.start()
    startup.run(keys.run(tokens, startup.job("token keys")), "token keys")
    if LIMITS in startup.app:
        startup[GUEST_BOOK] = guests = Guests(GuestRows(pool))
        startup.run(guests.run(startup.job("guests")), "guests")
        startup.on_stop(guests.close)
        startup[JOBS].every("lapsed guests", FORGET_S, guests.forget)
    sign_ins = SignIns(sessions, tokens, close_sockets=startup[HUB].sign_out)
    startup[SIGN_INS] = sign_ins
    startup[SIGN_IN_SERVICE] = SignInService(
        accounts, passwords, sessions, sign_ins, tokens
    )
    await sign_ins.look()
    tell_others(sign_ins, startup[BUS])
    startup.run(sign_ins.run(startup.job("sign-ins")), "sign-ins")
    forget = partial(sessions.forget, USED_TOKENS_S)
    startup[JOBS].every("sessions that are over", FORGET_S, forget)
    # The slowest step there is, so it goes on in its thread beside the others.
    admin = asyncio.create_task(_ensure_admin(accounts, passwords, settings))
    startup.before_ready(lambda: admin)


async def _ensure_admin(
    accounts: Accounts, passwords: Passwords, settings: Config
) -> None:
    email, password = settings.admin_email, settings.admin_password
    if email is not None and password is not None:
        await ensure_admin(accounts, passwords, email.strip(), password)


AUTH: Final = Capability(
    name="sign-in",
    open=_open,
    routes=(*rest.ROUTES, *rest_sessions.ROUTES, *rest_keys.ROUTES),
    parameters={
        "session": PathParameter("The session's id.", "ses_9tQ4hRzPSbm6WcY2u0kF3g"),
    },
    tags={
        "People": """\
Accounts, and being logged in. In order: `register`; confirm the address with the code
of the mail (`email/verify`; `email/resend` sends another); `login` again where the
access token has run out, or `refresh` with the `refresh_token` of the last answer, each
good once. `sessions` lists where you are logged in, and ends one; `logout` ends this
one, `logout-everywhere` all. `PATCH /v1/me` changes the name, or the address with the
password. A new password: with the old one (`/v1/me/password`), or with the code of a
mail (`password/forgot`, then `password/reset`), and then log in with it; once there is
a new one, no code of an earlier mail is good. Asking for a code ends none of those for
a new password: anybody may ask.
`DELETE /v1/me` comes last, with the password or within five minutes of logging in:
while you alone own an organisation it is refused.""",
    },
    examples=EXAMPLES,
)
