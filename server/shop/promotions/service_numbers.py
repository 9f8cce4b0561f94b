"""What promotions and their codes brought, for those who manage their event."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Final

from aiohttp import web

from persistence.postgres.pool import Pool
from persistence.shop.orders.records import OrderLine
from persistence.shop.promotions.discounts import Discount
from persistence.shop.promotions.numbers import (
    CodeNumbers,
    PromotionBooks,
    PromotionNumbers,
)
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships
from server.shop.money.pricing import Unit
from server.shop.promotions.problems import PROMOTION_NOT_FOUND
from server.shop.promotions.rules import each_took

CODES_READ: Final = 200
"""Codes of a page of a table."""


class NumbersService:
    """Tells what promotions brought. Raises `Unavailable` and `Refusal`."""

    def __init__(
        self, pool: Pool, events: EventService, memberships: Memberships
    ) -> None:
        self._books = PromotionBooks(pool, shares_of)
        self._events = events
        self._memberships = memberships

    async def of_event(self, who: Identity, event: str) -> list[PromotionNumbers]:
        """Return the promotions of an event, the oldest first."""
        await self._require_manager(who, event)
        return await self._books.of_event(event)

    async def of_promotion(
        self,
        who: Identity,
        event: str,
        name: str,
        *,
        limit: int,
        cursor: str | None,
    ) -> tuple[list[CodeNumbers], str | None]:
        """Return a page of a promotion's codes, the oldest first.

        Raises `BadCursor`, too.
        """
        await self._require_promotion(who, event, name)
        books = self._books
        return await books.of_promotion(event, name, limit=limit, cursor=cursor)

    async def count_codes(self, who: Identity, event: str, name: str) -> int:
        """Return how many codes a promotion has."""
        await self._require_promotion(who, event, name)
        return await self._books.count_codes(name)

    async def codes(
        self, who: Identity, event: str
    ) -> AsyncIterator[list[tuple[PromotionNumbers, CodeNumbers]]]:
        """Return all codes of an event with their promotions, a page at a time.

        Who asks is looked at now, and the rest read as it is taken.
        """
        return self._pages(event, await self.of_event(who, event))

    async def _pages(
        self, event: str, promotions: Sequence[PromotionNumbers]
    ) -> AsyncIterator[list[tuple[PromotionNumbers, CodeNumbers]]]:
        read = partial(self._books.of_promotion, event, limit=CODES_READ)
        # There is always a first page, also where there is nothing to read.
        yield []
        for one in promotions:
            cursor: str | None = None
            while True:
                page, cursor = await read(one.promotion, cursor=cursor)
                yield [(one, code) for code in page]
                if cursor is None:
                    break

    async def _require_promotion(self, who: Identity, event: str, name: str) -> None:
        await self._require_manager(who, event)
        if not await self._books.has(event, name):
            raise Refusal(PROMOTION_NOT_FOUND)

    async def _require_manager(self, who: Identity, event: str) -> None:
        row = await self._events.find_shown_row(who, event)
        await self._memberships.require_manager(who, row.organisation, row.created_by)


def shares_of(
    lines: Sequence[OrderLine], discounts: Sequence[Discount], currency: str
) -> Mapping[str, int]:
    """Return what each promotion took off of an order, as when that was priced."""
    units = [
        Unit(line.kind, line.label, line.category, line.type, line.unit)
        for line in lines
        if line.kind == "seat" or line.kind == "place"
    ]
    return each_took(units, discounts, currency)


NUMBERS_SERVICE: Final = web.AppKey("numbers of promotions", NumbersService)
"""What promotions and their codes brought."""
