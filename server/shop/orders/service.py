"""Orders as their buyers make, see, pay and cancel them, and as sellers see them."""

from collections.abc import Awaitable, Sequence
from typing import Final

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from inventory.commands import Holding, Quote, Types
from inventory.limits import PAY_MARGIN_S
from inventory.ports import Ids
from inventory.rejections import DETAILS
from inventory.replies import HoldingOk, QuoteOk, Refused, refuse
from inventory.settings import Money, Settings
from persistence.events.details import Late
from persistence.postgres.pool import Pool
from persistence.shop.money.terms import terms_of
from persistence.shop.orders.listing import OrderList, OrderSearch
from persistence.shop.orders.orders import NewOrder, Orders
from persistence.shop.orders.records import Rules
from persistence.shop.orders.rows import OrderBuyer, StoredOrder
from persistence.shop.promotions.discounts import Discount
from persistence.shop.promotions.redemptions import CodeRefused
from server.base.access import has_order
from server.base.identity import Identity
from server.base.refusals.refusals import (
    CODE_INVALID,
    CommandRefused,
    Refusal,
    wrong_field,
)
from server.events.catalogue.service import EventService, FoundEvent
from server.live.actors.registry import EventUnavailable, ask
from server.people.organisations.membership import Memberships
from server.shop.money.pricing import Line
from server.shop.orders import facts
from server.shop.orders.attempts import pending
from server.shop.orders.driving.desk import Applied, Desk
from server.shop.orders.driving.driver import Driver, lines_of, units_of
from server.shop.orders.giving.giver import Giver
from server.shop.orders.problems import (
    ORDER_CLOSED,
    ORDER_NOT_FOUND,
    PROVIDER_UNAVAILABLE,
)
from server.shop.orders.rules import CHANGED
from server.shop.payments.provider import ProviderUnavailable
from server.shop.promotions.problems import CODE_USED_UP
from server.shop.promotions.rules import idle
from server.shop.promotions.service import NOT_NOW, NOTHING_OFF, PromotionService
from server.transport.ratelimit.meter import Meter
from server.transport.rest.idempotency import hash_request, new_id

ASKED_MAX: Final = 3
"""How often a new attempt is asked for while others begin one, too."""


class OrderAsk(Struct, frozen=True, kw_only=True):
    """What somebody wants to buy, as they saw it."""

    event: str
    hold: str
    buyer: OrderBuyer = OrderBuyer()
    total: Money | None = None
    types: Types | None = None


class Codes(Struct, frozen=True):
    """Codes that somebody wants to redeem, and what counts those that are none."""

    codes: tuple[str, ...]
    meter: Meter | None


NO_CODES: Final = Codes((), None)
Discounts = tuple[Discount, ...]


class Quoted(Struct, frozen=True, kw_only=True):
    """What an order of a hold would cost as of now."""

    hold: str
    expires_in_ms: int
    expires_at: str
    currency: str | None
    lines: list[Line]


class EventOrders:
    """The orders of one event, for somebody who sees them. Raises `Unavailable`."""

    def __init__(self, store: OrderList, event: str) -> None:
        self._store = store
        self._event = event

    async def list(
        self, search: OrderSearch, *, limit: int, cursor: str | None
    ) -> tuple[list[StoredOrder], str | None]:
        """Return a page of them, the newest first, and the cursor of the next."""
        return await self._store.of_event(
            self._event, search, limit=limit, cursor=cursor
        )

    async def count(self, search: OrderSearch) -> int:
        """Return how many there are on all pages."""
        return await self._store.count_of_event(self._event, search)


class OrderService:
    """Makes, finds, lists, pays and cancels orders. Raises `Unavailable`, `Refusal`."""

    def __init__(
        self,
        pool: Pool,
        desk: Desk,
        driver: Driver,
        events: EventService,
        memberships: Memberships,
        ids: Ids,
        promotions: PromotionService,
    ) -> None:
        self._pool = pool
        self._store = Orders(pool)
        self.listed = OrderList(pool)
        self._desk = desk
        self._driver = driver
        self.giver = Giver(pool, desk)
        self._events = events
        self._memberships = memberships
        self._ids = ids
        self._promotions = promotions

    async def create(
        self,
        who: Identity,
        wanted: OrderAsk,
        key: str | None,
        site: str = "",
        codes: Codes = NO_CODES,
    ) -> StoredOrder:
        """Make an order of a hold, and drive it as far as it comes without its buyer.

        The same request again, and any other for the same hold, finds the same order.
        `site` is where the buyer's page is, to which the payment leads back.
        """
        found = await self._events.find(who, wanted.event)
        settings = found.board.settings
        provider, types = self._provider_for(settings), wanted.types
        terms = await terms_of(self._pool, wanted.event)
        pay_s = await self._pay_s(who, found, wanted.hold)
        refuse_currency(settings, wanted.total)
        new = NewOrder(
            order=new_id("ord", who.user, key),
            event=wanted.event,
            hold=wanted.hold,
            user=who.user,
            organisation=found.organisation,
            reference=self._ids.reference(),
            buyer=wanted.buyer,
            rules=rules_of(settings, pay_s, types, terms.late),
            terms=terms,
            provider=provider,
            seen_total=None if wanted.total is None else wanted.total.amount,
            request_hash=_hash_of(wanted, codes.codes),
            site=site,
        )
        if codes.codes:
            stored = await self._begin_with(who, wanted, new, codes)
        else:
            stored = await self._store.begin(new)
        return await self._made(new, stored, key)

    async def make(self, new: NewOrder, key: str | None) -> StoredOrder:
        """Make an order that whoever calls this has put together, and drive it."""
        return await self._made(new, await self._store.begin(new), key)

    async def _made(
        self, new: NewOrder, stored: StoredOrder, key: str | None
    ) -> StoredOrder:
        """Return an order as far as it came, if it is the one that was asked for."""
        if stored.user != new.user:
            raise Refusal("hold_not_found")
        mine = stored.state.order == new.order
        if mine and key is not None and stored.request_hash != new.request_hash:
            raise Refusal("key_reused")
        return _unless_refused(await self._on(stored))

    async def quote(
        self,
        who: Identity,
        event: str,
        hold: str,
        types: Types | None,
        codes: Codes = NO_CODES,
    ) -> Quoted:
        """Return what an order of a hold of the caller would cost, made now.

        Nothing changes, and nothing is promised: fees, taxes and types may be others
        when it is made, which its `total` guards against, and codes used up.
        """
        found = await self._events.find(who, event)
        command = Quote(id=0, event=event, hold=hold, types=types)
        reply = await ask(found.local, command, who.user, False, None, system=True)
        if isinstance(reply, Refused):
            if reply.code in ("seat_not_found", "area_not_found", "type_not_found"):
                raise wrong_field("types", NO_TYPE)
            raise CommandRefused(reply)
        assert isinstance(reply, QuoteOk)
        terms = await terms_of(self._pool, event)
        units = units_of(reply.lines, found.local)
        discounts: Discounts = ()
        if codes.codes:
            redeem = self._promotions.redeem(event, codes.codes, "", codes.meter)
            discounts, _ = await redeem
        if idle(units, discounts, terms.currency) is not None:
            raise Refusal(CODE_INVALID, NOTHING_OFF)
        return Quoted(
            hold=reply.hold,
            expires_in_ms=reply.expires_in_ms,
            expires_at=reply.expires_at,
            currency=None if reply.total is None else reply.total.currency,
            lines=lines_of(reply.lines, found.local, terms, discounts),
        )

    async def find(self, who: Identity, order: str) -> StoredOrder:
        """Return an order of one's own, or of an event that one sees the sales of.

        Who opened it with a secret has it as its buyer does.
        """
        return await self._seen(who, await self._store.find(order))

    async def find_by_reference(self, who: Identity, reference: str) -> StoredOrder:
        """Return the order with a reference, as `find` does."""
        return await self._seen(who, await self._store.find_by_reference(reference))

    async def of_event(self, who: Identity, event: str) -> EventOrders:
        """Return the orders of an event to somebody who manages it or is of it."""
        found = await self._events.find(who, event)
        await self._memberships.require_insight(who, found.organisation, found.maker)
        return EventOrders(self.listed, event)

    async def pay(self, who: Identity, order: str, key: str | None) -> StoredOrder:
        """Begin another attempt to pay; the open one is ended first.

        Where that was paid meanwhile, the order is, and no attempt begins.
        """
        stored = await self.find(who, order)
        if stored.user != who.user:
            # Who opened it sees it, and pays nothing.
            raise Refusal(ORDER_NOT_FOUND)
        asked = None if key is None else new_id("ask", order, key)
        for _ in range(ASKED_MAX):
            applied = await self._desk.hear(order, facts.PayAgain(asked))
            if applied.refused is None:
                return (await self._drive(order, applied)).stored
            if not pending(applied.stored.state):
                break
            try:
                ended = await self._driver.end_attempts(applied.stored)
            except ProviderUnavailable as error:
                raise Refusal(PROVIDER_UNAVAILABLE) from error
            if ended.stored.state.accepted is not None:
                return (await self._drive(order, ended)).stored
        raise Refusal(ORDER_CLOSED)

    async def find_to_cancel(
        self, who: Identity, order: str
    ) -> tuple[StoredOrder, bool]:
        """Return an order to who may cancel it, and whether as one who manages it."""
        stored = await self.find(who, order)
        return stored, await self._manages(who, stored)

    async def cancel(
        self, who: Identity, order: str, lines: tuple[int, ...] | None = None
    ) -> StoredOrder:
        """Cancel an order or lines of it: its buyer in time, who manages it at any.

        What is paid goes back. It may take a while: the answer tells how far it came.
        """
        stored, manages = await self.find_to_cancel(who, order)
        if stored.state.status in ("confirmed", "completed"):
            if not manages:
                await self.refuse_late(stored)
            by = who.user if manages else None
            asked = facts.GiveBack(lines, by=by)
            applied = await self.giver.give(order, stored.state.event, asked)
        elif lines is not None and stored.state.step != "given_back":
            # What is not booked yet is ordered as a whole, or not at all.
            raise Refusal(ORDER_CLOSED)
        else:
            applied = await self._desk.hear(order, facts.Leave())
        if applied.refused is not None:
            raise Refusal(ORDER_CLOSED)
        return await self.go_on(who, order, applied)

    async def go_on(self, who: Identity, order: str, applied: Applied) -> StoredOrder:
        """Drive an order of which something goes back as far as that comes now."""
        try:
            applied = await self._drive(order, applied)
        except Refusal as error:
            if error.kind != PROVIDER_UNAVAILABLE:
                raise
            # It is noted, and goes on by itself.
            return await self.find(who, order)
        return applied.stored

    async def refuse_late(self, stored: StoredOrder) -> None:
        """Raise `Refusal` once it is too late for a buyer to give anything back."""
        # A deadline that was moved holds at once.
        row = await self._events.find_row_anew(stored.state.event)
        settings = row.settings
        until_ms = settings.starts_at_ms - settings.cancel_until_s * 1_000
        if self._driver.now_ms() > until_ms:
            raise Refusal("cancel_too_late")

    async def require_manager(self, who: Identity, stored: StoredOrder) -> None:
        """Raise `Denied` for who does not manage the event of an order they see."""
        of = await self._events.find_row(stored.state.event)
        await self._memberships.require_manager(who, of.organisation, of.created_by)

    async def _begin_with(
        self, who: Identity, wanted: OrderAsk, new: NewOrder, codes: Codes
    ) -> StoredOrder:
        """Make an order that redeems codes, or return the one that there is.

        One that is there has its codes, which may be used up by itself. None is made
        without them, whatever becomes meanwhile of one that had the hold.
        """
        known = await self._known(new)
        if known is not None:
            return known
        event, email = new.event, new.buyer.email
        try:
            # Refused before anything is made where they take nothing off.
            await self.quote(who, event, new.hold, wanted.types, codes)
            redeem = self._promotions.redeem(event, codes.codes, email, codes.meter)
            discounts, redeems = await redeem
        except Refusal:
            known = await self._known(new)
            if known is not None:
                return known
            raise
        new = replace(new, rules=discounted(new.rules, discounts), redeems=redeems)
        try:
            return await self._store.begin(new)
        except CodeRefused as error:
            if error.used_up:
                raise Refusal(CODE_USED_UP) from error
            raise Refusal(CODE_INVALID, NOT_NOW) from error

    async def _known(self, new: NewOrder) -> StoredOrder | None:
        """Return the order of this name or this hold that was made before."""
        known = await self._store.find(new.order)
        return known or await self._store.find_of_hold(new.event, new.hold)

    async def _on(self, stored: StoredOrder) -> StoredOrder:
        """Return an order after it was driven, where that is for us to do."""
        if stored.state.step in ("new", "pledging", "priced", "paid"):
            return (await self._driven(self._driver.drive_new(stored))).stored
        return stored

    async def _drive(self, order: str, applied: Applied) -> Applied:
        return await self._driven(self._driver.drive(order, applied))

    async def _driven(self, driving: Awaitable[Applied]) -> Applied:
        try:
            return await driving
        except ProviderUnavailable as error:
            raise Refusal(PROVIDER_UNAVAILABLE) from error
        except EventUnavailable as error:
            raise Refusal("unavailable") from error

    async def _pay_s(self, who: Identity, event: FoundEvent, hold: str) -> int:
        """Return how long an order may wait for its money.

        Not beyond the end of the sale, unless its hold lasts longer than that.
        """
        settings, now_ms = event.board.settings, self._driver.now_ms()
        pay_s, ends_ms = settings.pay_s, settings.off_sale_at_ms
        if ends_ms is None or now_ms + pay_s * 1_000 <= ends_ms:
            return pay_s
        command = Holding(id=0, event=event.id)
        reply = await ask(event.local, command, who.user, False, None)
        held = reply.holds if isinstance(reply, HoldingOk) else []
        left_ms = [one.expires_in_ms for one in held if one.hold == hold]
        left_ms.append(ends_ms - now_ms)
        return max(1, min(pay_s, max(left_ms) // 1_000))

    def _provider_for(self, settings: Settings) -> str | None:
        """Return who takes the money for an event; None where nobody has to."""
        if settings.payment != "required":
            return None
        provider = self._driver.provider
        if provider is None:
            if settings.prices:
                raise Refusal(PROVIDER_UNAVAILABLE, NO_PROVIDER)
            return None
        return provider.name

    async def _seen(self, who: Identity, stored: StoredOrder | None) -> StoredOrder:
        # Somebody else's order looks like none at all.
        if stored is None:
            raise Refusal(ORDER_NOT_FOUND)
        if not has_order(who, stored.user, stored.state.order):
            of = await self._events.find_row(stored.state.event)
            whose = of.organisation, of.created_by
            if not await self._memberships.sees(who, *whose):
                raise Refusal(ORDER_NOT_FOUND)
        return stored

    async def _manages(self, who: Identity, stored: StoredOrder) -> bool:
        """Return whether somebody manages the event of an order that they see."""
        of = await self._events.find_row(stored.state.event)
        whose = of.organisation, of.created_by
        manages = await self._memberships.manages(who, *whose)
        if not (manages or has_order(who, stored.user, stored.state.order)):
            # Staff of the organisation see it, and no more.
            await self._memberships.require_manager(who, *whose)
        return manages


def refuse_currency(settings: Settings, total: Money | None) -> None:
    """Refuse a total of another currency than the event's, whatever it is."""
    if total is None or not settings.prices:
        return
    if all(one.currency != total.currency for one in settings.prices.values()):
        raise CommandRefused(refuse("price_changed"))


NO_TYPE: Final = "The event has no such type, or the hold no such place."
NO_PROVIDER: Final = "Nobody takes payments here: set ONSALE_PAYMENTS."


def rules_of(
    settings: Settings,
    pay_s: int | None = None,
    types: Types | None = None,
    late: Late = "same",
) -> Rules:
    """Return what an order of an event is made under."""
    pay_s = settings.pay_s if pay_s is None else pay_s
    return Rules(
        pays=settings.payment == "required",
        pay_s=pay_s,
        until_s=pay_s + PAY_MARGIN_S,
        types=types,
        late=late,
    )


def discounted(rules: Rules, discounts: Discounts) -> Rules:
    """Return the rules of an order with codes."""
    # What came too late has given its codes back, and others may have them.
    return replace(rules, discounts=discounts, late="refund")


def _hash_of(wanted: OrderAsk, codes: Sequence[str]) -> bytes:
    """Return the hash of a request; without codes it is that of former versions."""
    return hash_request([wanted, codes] if codes else wanted)


def _unless_refused(stored: StoredOrder) -> StoredOrder:
    """Return an order that the event did not refuse."""
    order = stored.state
    if order.step != "refused":
        return stored
    if order.why == "bad_field":
        raise wrong_field("types", NO_TYPE)
    if order.why != CHANGED:
        # Of an owner that is newer than this process it may be a code of its own.
        known = order.why if order.why in DETAILS else "hold_not_found"
        raise Refusal(known)
    refused = refuse("price_changed")
    if order.currency is not None:
        refused.total = Money(order.total, order.currency)
    raise CommandRefused(refused)


ORDER_SERVICE: Final = web.AppKey("order service", OrderService)
"""Makes and shows orders."""
