"""What goes back of orders, as those who manage the event ask for it."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from inventory.ports import Clock
from inventory.settings import Money
from persistence.shop.orders.cancelled import CancelledOrders, Progress
from persistence.shop.orders.records import OrderState
from persistence.shop.orders.rows import StoredOrder
from server.base.access import Denial, has_order
from server.base.identity import Identity
from server.base.refusals.refusals import Denied, wrong_field
from server.shop.orders.driving.desk import Applied
from server.shop.orders.facts import GiveBack, Goodwill, RefundAgain, RefundByHand
from server.shop.orders.giving.giver import refusal_of
from server.shop.orders.giving.rules import Asked, asked_to
from server.shop.orders.service import OrderService
from server.transport.rest.idempotency import new_id


class Going(Struct, frozen=True):
    """What goes back by one call: of which lines how much, and all of it."""

    refund: str | None
    """Its id; None where nothing was paid for it."""
    total: int
    lines: list[tuple[int, str, int]]
    """Line, label and amount."""


class Asking(Struct, frozen=True):
    """An order, and who asks what of it would go back."""

    stored: StoredOrder
    manages: bool
    """Whether they manage its event; else they are its buyer, and in time."""


class GivingService:
    """Gives money back, and shows what would. Raises `Unavailable`, `Refusal`.

    All but to look is for who manages the event: buyers give back by cancelling.
    """

    def __init__(
        self, orders: OrderService, cancelled: CancelledOrders, clock: Clock
    ) -> None:
        self._orders = orders
        self._cancelled = cancelled
        self._clock = clock

    async def find(self, who: Identity, order: str) -> tuple[StoredOrder, bool]:
        """Return an order to who sees it, and whether they are those who run it."""
        stored = await self._orders.find(who, order)
        return stored, not has_order(who, stored.user, order)

    async def find_managed(self, who: Identity, order: str) -> StoredOrder:
        """Return an order to who manages its event. Raises `Denied`."""
        stored = await self._orders.find(who, order)
        await self._orders.require_manager(who, stored)
        return stored

    async def progress(self, who: Identity, event: str) -> Progress:
        """Return how far an event is given back, to who sees its orders."""
        await self._orders.of_event(who, event)
        return await self._cancelled.progress(event)

    async def find_to_preview(self, who: Identity, order: str) -> Asking:
        """Return an order to who may give something of it back, now."""
        stored, manages = await self._orders.find_to_cancel(who, order)
        if not manages:
            await self._orders.refuse_late(stored)
        return Asking(stored, manages)

    def preview(
        self, asking: Asking, lines: tuple[int, ...] | None, amount: Money | None
    ) -> Going:
        """Return what would go back, by the very rules that do it.

        A goodwill is for who manages the event to think of.
        """
        if amount is not None and not asking.manages:
            raise Denied(Denial("forbidden", "Buyers give lines back, not amounts."))
        stored = asking.stored
        before, asked = stored.state, self._asked(stored, lines, amount, None)
        told = asked_to(before, asked, self._clock.now_ms())
        if isinstance(told, str):
            raise refusal_of(told)
        return going_of(before, told.order, asked)

    async def refund(
        self,
        who: Identity,
        stored: StoredOrder,
        lines: tuple[int, ...] | None,
        amount: Money | None,
        *,
        keep: bool,
        note: str,
        key: str | None,
    ) -> tuple[StoredOrder, Going]:
        """Give lines back, or an amount; the same call under a key does it once."""
        asked = self._asked(stored, lines, amount, key, keep=keep, note=note, who=who)
        applied = await self._give(stored, asked)
        going = going_of(stored.state, applied.stored.state, asked)
        if isinstance(asked, Goodwill):
            # Which is told alike when it is asked for again: the preview has the lines.
            going = Going(going.refund, going.total, [])
        order = stored.state.order
        return await self._orders.go_on(who, order, applied), going

    async def again(self, who: Identity, stored: StoredOrder, name: str) -> StoredOrder:
        """Try a refund again that failed."""
        asked = RefundAgain(name, who.user)
        applied = await self._give(stored, asked)
        return await self._orders.go_on(who, stored.state.order, applied)

    async def by_hand(
        self, who: Identity, stored: StoredOrder, name: str, note: str
    ) -> StoredOrder:
        """Note that a refund which failed went back by another way."""
        asked = RefundByHand(name, note, who.user)
        return (await self._give(stored, asked)).stored

    async def _give(self, stored: StoredOrder, asked: Asked) -> Applied:
        order = stored.state
        return await self._orders.giver.give(order.order, order.event, asked)

    def _asked(
        self,
        stored: StoredOrder,
        lines: tuple[int, ...] | None,
        amount: Money | None,
        key: str | None,
        *,
        keep: bool = False,
        note: str = "",
        who: Identity | None = None,
    ) -> GiveBack | Goodwill:
        by = None if who is None else who.user
        if amount is None:
            return GiveBack(lines, keep, note, by)
        order = stored.state
        if order.currency is not None and amount.currency != order.currency:
            raise wrong_field("amount.currency", f"The order is in {order.currency}.")
        return Goodwill(new_id("rfd", order.order, key), amount.amount, note, by)


def going_of(
    before: OrderState, after: OrderState, asked: GiveBack | Goodwill
) -> Going:
    """Return what goes back for what was asked: now, or where that was done before."""
    was = {one.line: one for one in before.lines}
    if isinstance(asked, Goodwill):
        shares = [
            (one.line, one.label, one.allowance - was[one.line].allowance)
            for one in after.lines
        ]
        lines = [one for one in shares if one[2]]
        return Going(asked.refund, asked.amount, lines)
    named = asked.lines
    lines = [
        (one.line, one.label, one.worth)
        for one in after.lines
        if one.kind != "fee" and (named is None or one.line in named)
    ]
    numbers = {line for line, _, _ in lines}
    refunds = [
        one
        for one in after.refunds
        if one.reason == "given_back" and numbers.intersection(one.lines)
    ]
    name = refunds[-1].refund if refunds else None
    return Going(name, sum(one.amount for one in refunds), lines)


GIVING_SERVICE: Final = web.AppKey("giving service", GivingService)
