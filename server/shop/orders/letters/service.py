"""What the buyer of an order was told, and sends it once more.

A letter is written anew: with the tickets as they are by now, and to the address of the
order, so nobody reads what is somebody else's. Whoever asks twice while it waits sends
one.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web
from msgspec import Struct

from inventory.ports import Clock
from persistence.mail import Outbox, OutboxRow
from persistence.people.notices.notices import Notice, NoticeRow, Notices, mail_again
from persistence.postgres.pool import Pool
from persistence.shop.confirmations import read_confirmed, read_event
from persistence.shop.orders.openings import put_link_again
from persistence.shop.orders.rows import StoredOrder
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal
from server.people.notices.follower import confirmation
from server.shop.orders.problems import (
    LETTER_NOT_FOUND,
    LETTERS_USED_UP,
    NO_ADDRESS,
    ORDER_CLOSED,
)
from server.shop.orders.service import OrderService
from server.transport.mail.codes import hash_of_code, new_code
from server.transport.ratelimit.meter import Meter

SENDS_MAX: Final = 3
"""So often is one letter sent once more on one day (UTC)."""

LOOK_BACK_D: Final = 11
"""Days for which the outbox knows of a mail: three to send it, then seven."""


class Letter(Struct, frozen=True):
    """What the buyer was told, and the mails of it that the outbox still knows."""

    notice: NoticeRow
    mails: list[OutboxRow]
    """The oldest first."""


class LetterService:
    """Lists the letters of an order, and sends one again, for who manages its event.

    `public_url` is where the pages of buyers are; None where nobody knows. Raises
    `Unavailable`, `Refusal`.
    """

    def __init__(
        self, pool: Pool, orders: OrderService, clock: Clock, public_url: str | None
    ) -> None:
        self._pool = pool
        self._orders = orders
        self._clock = clock
        self._public_url = public_url
        self._notices = Notices(pool)
        self._outbox = Outbox(pool)

    async def find_managed(self, who: Identity, order: str) -> StoredOrder:
        """Return an order to who manages its event. Raises `Denied`."""
        stored = await self._orders.find(who, order)
        await self._orders.require_manager(who, stored)
        return stored

    async def letters_of(self, stored: StoredOrder) -> list[Letter]:
        """Return what the buyer of an order was told, the oldest first."""
        notices = await self._notices.of_order(stored.user, stored.state.order)
        names = [name for one in notices for name in self._names_of(one.notice_id)]
        rows = await self._outbox.rows_of(names)
        return [
            Letter(one, [row for row in rows if row.notice == one.notice_id])
            for one in notices
        ]

    async def send(self, stored: StoredOrder, name: str, meter: Meter) -> list[Letter]:
        """Send a letter of an order once more, and return all there are.

        What waits to be sent is left to go. The `meter` counts the mail.
        """
        letters = await self.letters_of(stored)
        letter = next((one for one in letters if one.notice.notice_id == name), None)
        if letter is None:
            raise Refusal(LETTER_NOT_FOUND)
        if any(one.state == "due" for one in letter.mails):
            return letters
        known = {one.row for one in letter.mails}
        free = [one for one in self._of_day(name, self._today()) if one not in known]
        if not free:
            raise Refusal(LETTERS_USED_UP)
        # An account's own address is known to nobody here: then it is counted by name.
        meter.notice(stored.buyer.email or stored.user)
        await self._put(stored, letter.notice, free[0])
        return await self.letters_of(stored)

    async def _put(self, stored: StoredOrder, told: NoticeRow, mail_id: str) -> None:
        order = stored.state
        async with self._pool.transaction() as connection:
            if told.kind != "order_confirmed":
                notice = Notice(
                    kind=told.kind,
                    subject=told.subject,
                    user_id=stored.user,
                    email=stored.buyer.email or None,
                    locale=stored.buyer.locale,
                    event_id=told.event_id,
                    data=told.data,
                )
            else:
                booked = [(order.booking or "", order.order)]
                confirmed = await read_confirmed(connection, booked)
                if not confirmed:
                    # All of it went back, or there is nobody to write to.
                    raise Refusal(ORDER_CLOSED)
                event = await read_event(connection, order.event)
                secret = None if self._public_url is None else new_code()
                notice = confirmation(confirmed[0], event, secret)
                if secret is not None:
                    await put_link_again(connection, order.order, hash_of_code(secret))
            if not await mail_again(connection, notice, mail_id):
                raise Refusal(NO_ADDRESS)

    def _today(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ms() / 1_000, UTC)

    def _names_of(self, notice: str) -> list[str]:
        """Return the ids that mails of a notice may have."""
        today = self._today()
        days = [today - timedelta(days=back) for back in range(LOOK_BACK_D + 1)]
        again = [name for day in days for name in self._of_day(notice, day)]
        return [f"mail_{notice}", *again]

    @staticmethod
    def _of_day(notice: str, day: datetime) -> list[str]:
        """Return the ids of what is sent again on one day: those bound how often."""
        return [f"mail_{notice}_{day:%Y%m%d}_{n}" for n in range(1, SENDS_MAX + 1)]


LETTER_SERVICE: Final = web.AppKey("letter service", LetterService)
