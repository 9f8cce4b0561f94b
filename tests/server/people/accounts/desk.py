"""The services over one's own account, on an entrance without a server."""

from collections.abc import Iterable

from persistence.mail import Outbox
from server.people.accounts.mails import AccountMails
from server.people.accounts.service_codes import CodeService
from server.people.accounts.service_own import AccountService
from server.people.accounts.service_register import NewcomerService
from tests.server.people.entrance import Entrance

LINK = "https://tickets.example"


class AccountDesk:
    """Who looks after accounts, and whose sessions ended."""

    def __init__(self, entrance: Entrance) -> None:
        self.entrance = entrance
        self.ended: list[str] = []
        accounts, mails = entrance.accounts, AccountMails(LINK)
        self.own = AccountService(accounts, mails, entrance.service, self._end)
        self.newcomers = NewcomerService(accounts, mails, entrance.service, self._end)
        self.codes = CodeService(
            accounts, Outbox(entrance.pool), mails, entrance.service, self._end
        )

    def _end(self, user: str, subjects: Iterable[str]) -> None:
        self.ended.append(user)
        self.entrance.sign_ins.end_here(user, subjects)

    async def code(self, purpose: str) -> str:
        """Return the code of the newest mail that has one for this."""
        rows = await self.entrance.pool.fetch(
            "SELECT body FROM mail WHERE body LIKE '%#' || $1 || '=%'"
            " ORDER BY created_at DESC LIMIT 1",
            purpose,
        )
        (row,) = rows
        return str(row["body"].partition(f"#{purpose}=")[2].split()[0])
