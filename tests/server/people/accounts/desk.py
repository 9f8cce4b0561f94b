"""The services over one's own account, on an entrance without a server."""

from collections.abc import Iterable

from persistence.mail import Outbox
from server.people.accounts.service_codes import CodeService
from server.people.accounts.service_own import AccountService
from server.people.accounts.service_register import NewcomerService
from tests.server.people.entrance import Entrance


class AccountDesk:
    """Who looks after accounts, and whose sessions ended."""

    def __init__(self, entrance: Entrance) -> None:
        self.entrance = entrance
        self.ended: list[str] = []
        accounts = entrance.accounts
        self.own = AccountService(accounts, entrance.service, self._end)
        self.newcomers = NewcomerService(accounts, entrance.service, self._end)
        self.codes = CodeService(
            accounts, Outbox(entrance.pool), entrance.service, self._end
        )

    def _end(self, user: str, subjects: Iterable[str]) -> None:
        self.ended.append(user)
        self.entrance.sign_ins.end_here(user, subjects)

    async def code(self, purpose: str) -> str:
        """Return the code of the newest mail that has one for this."""
        rows = await self.entrance.pool.fetch(
            "SELECT data ->> 'code' AS code FROM mail WHERE kind = $1"
            " ORDER BY created_at DESC LIMIT 1",
            {"verify": "verify_email", "reset": "reset_password"}[purpose],
        )
        (row,) = rows
        return str(row["code"])
