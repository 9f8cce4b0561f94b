"""Users in the hands of administrators: made, changed, deleted, whoever asks.

What people do with their own account is in `service_own.py`, `service_register.py` and
`service_codes.py`: there steps count against the limits of who asks.
"""

from collections.abc import Callable, Iterable
from typing import Final

from aiohttp import web

from persistence.errors import Revisions
from persistence.people.accounts import Account, Accounts
from persistence.people.addresses import address_key
from persistence.people.leaving import LastOwner
from persistence.people.users import Changed, LastAdmin, User, Users
from server.base.access import admit
from server.base.identity import Identity, Role
from server.base.refusals.refusals import Refusal, refuse_denied
from server.people.accounts.mails import welcome_mail
from server.people.accounts.problems import EMAIL_TAKEN, LAST_ADMIN, USER_NOT_FOUND
from server.people.organisations.problems import LAST_OWNER
from server.transport.mail.addresses import read_email
from server.transport.ratelimit.meter import Meter
from server.transport.rest.idempotency import new_id

NO_PASSWORD: Final = "none was chosen yet"
"""What a password is compared with where nobody knows one yet; no password's hash."""

OWNS_ALONE: Final = (
    "The user alone owns an organisation: give it to a member, or end it."
)


EndHere = Callable[[str, Iterable[str]], None]
"""Acts on what of a user's has ended: sessions, and tokens without one."""


class UserService:
    """Makes and changes users, for administrators.

    Raises `Unavailable`, and `Refusal`; what takes revisions that were `seen` also
    `Stale`. `end_here` is called with a user and what of theirs has ended.
    """

    def __init__(
        self,
        accounts: Accounts,
        users: Users,
        end_here: EndHere,
    ) -> None:
        self.users = users
        self._accounts = accounts
        self._end_here = end_here

    async def create(
        self,
        who: Identity,
        email: str,
        name: str,
        role: Role,
        key: str | None,
        meter: Meter,
    ) -> User:
        """Make an account for somebody, who chooses its password by a mail's code.

        `meter` counts the mail, and raises `RateLimited`.
        """
        _require_admin(who)
        email = read_email(email)
        meter.mail(email)
        user = new_id("usr", f"{who.user} {address_key(email)}", key)
        wanted = Account(user, email, NO_PASSWORD, role, name)
        message = welcome_mail(wanted)
        made = await self._accounts.create(wanted, [message.mail], [message.code])
        found = await self.users.find(user)
        if found is None:
            raise Refusal(EMAIL_TAKEN)
        asked = (address_key(email), name, role)
        if made is None and (address_key(found.email), found.name, found.role) != asked:
            raise Refusal("key_reused")
        return found

    async def find(self, who: Identity, user: str) -> User:
        """Return a user."""
        _require_admin(who)
        found = await self.users.find(user)
        if found is None:
            raise Refusal(USER_NOT_FOUND)
        return found

    async def change(
        self,
        who: Identity,
        user: str,
        *,
        role: Role | None,
        suspended: bool | None,
        reason: str | None,
        seen: Revisions,
    ) -> Changed:
        """Change a user's role, suspend the account, or let it in again.

        None is left as it is. Returns the user before and after.
        """
        _require_admin(who)
        try:
            changed = await self.users.change(
                user, role=role, suspended=suspended, reason=reason, seen=seen
            )
        except LastAdmin as error:
            raise Refusal(LAST_ADMIN) from error
        if changed is None:
            raise Refusal(USER_NOT_FOUND)
        if changed.ended:
            self._end_here(user, changed.ended)
        return changed

    async def sign_out(self, who: Identity, user: str) -> None:
        """End all that a user is signed in with; they may sign in again."""
        _require_admin(who)
        ended = await self.users.end_all(user)
        if ended is None:
            raise Refusal(USER_NOT_FOUND)
        self._end_here(user, ended)

    async def delete(self, who: Identity, user: str, seen: Revisions) -> None:
        """Forget who a user is; bookings stay, under an id that names nobody."""
        _require_admin(who)
        try:
            ended = await self._accounts.delete(user, seen)
        except LastOwner as error:
            raise Refusal(LAST_OWNER, OWNS_ALONE) from error
        except LastAdmin as error:
            raise Refusal(LAST_ADMIN) from error
        if ended is None:
            raise Refusal(USER_NOT_FOUND)
        self._end_here(user, ended)


def _require_admin(who: Identity) -> None:
    refuse_denied(admit("admin", None, who))


USER_SERVICE: Final = web.AppKey("user service", UserService)
