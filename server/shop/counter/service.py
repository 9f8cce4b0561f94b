"""Sells at a counter: somebody who runs an event holds, and orders, for a customer.

Each customer is somebody to the event, with a name that follows from who sells and from
the `sale` that they call it: so limits are those of one buyer, and nobody else at
another counter has their hold. The shop asks in that name, which passes a paused or
closed sale, a line and the rule about single seats.

Money is taken by hand, before the order is made: the order names the hand (`cash`,
`card`) where others have a provider, so all that comes after a death comes to the same.
"""

from typing import Final, Literal

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from inventory.commands import Blocked, Extend, Hold, HoldBest, Release, Types
from inventory.ports import Ids
from inventory.replies import AnyOk, BlockedOk, Refused
from inventory.settings import Money
from persistence.postgres.pool import Pool
from persistence.shop.money.terms import terms_of
from persistence.shop.orders.orders import NewOrder
from persistence.shop.orders.records import BY_HAND, Hand
from persistence.shop.orders.rows import OrderBuyer, StoredOrder
from persistence.shop.promotions.discounts import Discount
from server.base.identity import Identity
from server.base.refusals.refusals import CommandRefused
from server.events.catalogue.service import EventService, ManagedEvent
from server.live.actors.registry import ask
from server.shop.orders.service import (
    OrderService,
    Quoted,
    refuse_currency,
    rules_of,
)
from server.transport.rest.idempotency import hash_request, new_id

ALL_OF_IT: Final = 1_000_000
"""In parts per million."""

FREE: Final = "free"


class Sold(Struct, frozen=True, kw_only=True):
    """What a customer has taken, and how they paid for it."""

    hold: str
    paid: Hand | Literal["free"]
    buyer: OrderBuyer = OrderBuyer()
    types: Types | None = None
    total: Money | None = None
    reason: str = "Free"
    """Why nothing is paid, where that is so: it stands where codes do."""


class CounterService:
    """Sells for who manages an event. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self, pool: Pool, events: EventService, orders: OrderService, ids: Ids
    ) -> None:
        self._pool = pool
        self._events = events
        self._orders = orders
        self._ids = ids

    async def find(self, who: Identity, event: str) -> ManagedEvent:
        """Return an event to somebody who may sell for it."""
        return await self._events.find_managed(who, event)

    async def ask(
        self,
        who: Identity,
        event: ManagedEvent,
        sale: str,
        command: Hold | HoldBest | Extend | Release,
        key: str | None,
    ) -> AnyOk:
        """Hold for a customer, give them more time, or let go of what they have."""
        user = customer_of(who, event.id, sale).user
        return await _asked(event, command, user, key)

    async def quote(
        self,
        who: Identity,
        event: ManagedEvent,
        sale: str,
        hold: str,
        types: Types | None,
    ) -> Quoted:
        """Return what a customer would pay now, fees and taxes included."""
        return await self._orders.quote(
            customer_of(who, event.id, sale), event.id, hold, types
        )

    async def sell(
        self,
        who: Identity,
        event: ManagedEvent,
        sale: str,
        sold: Sold,
        key: str | None,
    ) -> StoredOrder:
        """Order for a customer who has paid, and book it.

        The same hold is the same order, however often it is asked for.
        """
        customer = customer_of(who, event.id, sale)
        settings = event.board.settings
        refuse_currency(settings, sold.total)
        rules = rules_of(settings, types=sold.types)
        by_hand = sold.paid in BY_HAND
        rules = replace(rules, pays=by_hand)
        if not by_hand:
            free = Discount(promotion=FREE, name=sold.reason, ppm=ALL_OF_IT)
            rules = replace(rules, discounts=(free,))
        new = NewOrder(
            order=new_id("ord", customer.user, key or sold.hold),
            event=event.id,
            hold=sold.hold,
            user=customer.user,
            organisation=event.organisation,
            reference=self._ids.reference(),
            buyer=sold.buyer,
            rules=rules,
            terms=await terms_of(self._pool, event.id),
            provider=sold.paid if by_hand else None,
            seen_total=None if sold.total is None else sold.total.amount,
            request_hash=hash_request(["counter", event.id, sold]),
        )
        # Without a key of its own a sale has that of its hold.
        return await self._orders.make(new, key or sold.hold)

    async def blocked(self, event: ManagedEvent) -> BlockedOk:
        """Return which seats are off sale, and why where that was said."""
        reply = await _asked(event, Blocked(id=0, event=event.id), "", None)
        assert isinstance(reply, BlockedOk)
        return reply


async def _asked(
    event: ManagedEvent,
    command: Hold | HoldBest | Extend | Release | Blocked,
    user: str,
    key: str | None,
) -> AnyOk:
    reply = await ask(event.local, command, user, False, key, system=True)
    if isinstance(reply, Refused):
        raise CommandRefused(reply)
    return reply


def customer_of(who: Identity, event: str, sale: str) -> Identity:
    """Return who a customer is to the event: nobody can sign in as them."""
    name = new_id("cnt", who.user, f"{event} {sale}")
    return Identity(user=name, role="guest", expires_at_s=0)


COUNTER_SERVICE: Final = web.AppKey("counter service", CounterService)
