"""Tables of what an event sold, for those who manage it."""

from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from persistence.postgres.pool import Pool
from persistence.shop.exports import Exported, Kind, SoldByCode, Table, pages_of
from persistence.shop.promotions.numbers import CodeNumbers, PromotionNumbers
from server.base.identity import Identity
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships
from server.shop.promotions.codes import id_of
from server.shop.promotions.service_numbers import NumbersService


class ExportService:
    """Gives tables. Raises `Unavailable`, and `Refusal` for what it refuses."""

    def __init__(
        self,
        pool: Pool,
        events: EventService,
        memberships: Memberships,
        numbers: NumbersService,
    ) -> None:
        self._pool = pool
        self._numbers = numbers
        self._events = events
        self._memberships = memberships

    async def pages(
        self, who: Identity, event: str, table: Table
    ) -> AsyncIterator[list[Exported]]:
        """Return all rows, a page at a time, to somebody who manages the event."""
        if table == "promotions":
            return _of_codes(await self._numbers.codes(who, event))
        kind: Kind = table
        row = await self._events.find_shown_row(who, event)
        await self._memberships.require_manager(who, row.organisation, row.created_by)
        return pages_of(self._pool, kind, event)


async def _of_codes(
    pages: AsyncIterator[list[tuple[PromotionNumbers, CodeNumbers]]],
) -> AsyncIterator[list[Exported]]:
    async for page in pages:
        yield [row for promotion, code in page for row in _rows_of(promotion, code)]


def _rows_of(promotion: PromotionNumbers, code: CodeNumbers) -> list[Exported]:
    """Return a row for each currency that a code brought anything in, one at least."""
    numbers = code.numbers
    currencies: list[str | None] = [*sorted(numbers.gross)]
    return [
        SoldByCode(
            promotion.promotion,
            promotion.name,
            id_of(code.hash),
            code.label or "",
            code.uses_max,
            numbers.left(code.taken),
            numbers.uses,
            numbers.given_back,
            currency,
            *(
                0 if currency is None else amounts.get(currency, 0)
                for amounts in (
                    numbers.gross,
                    numbers.discount,
                    numbers.returned,
                    numbers.net,
                )
            ),
        )
        for currency in currencies or [None]
    ]


EXPORT_SERVICE: Final = web.AppKey("export service", ExportService)
