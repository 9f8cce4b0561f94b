"""Drives orders: does what they wish, and lets them hear what came of it.

Everything is asked under a key of the order, the attempt or the refund, so whoever
drives an order after a death, or beside somebody else, asks the same questions and gets
the same answers. What is not answered stays wished: the order is looked at again when
its time comes.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from msgspec import structs

from inventory import commands
from inventory.commands import AnyCommand
from inventory.limits import PAY_MARGIN_S
from inventory.replies import (
    BookOk,
    HoldOk,
    PledgedLine,
    PledgeOk,
    Refused,
    Reply,
    refuse,
)
from persistence.errors import Unavailable
from persistence.shop.orders.orders import TAKEN_MAX, OrderGone, Orders
from persistence.shop.orders.records import BY_HAND, OrderLine, Payment
from persistence.shop.orders.rows import StoredOrder
from persistence.shop.promotions.discounts import Discount
from server.base.jobs import Job
from server.base.refusals.refusals import CommandRefused, Refusal
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    ServedEvent,
    ask,
)
from server.shop.money.pricing import Line, Terms, Unit, price, total
from server.shop.orders import by_hand, facts
from server.shop.orders.attempts import find, pending
from server.shop.orders.driving.desk import Applied, Desk
from server.shop.orders.facts import Heard, Wish
from server.shop.orders.rules import wishes_of
from server.shop.payments.provider import (
    Attempt,
    PaymentProvider,
    ProviderUnavailable,
    RefundAsk,
    Urls,
)
from server.shop.promotions.rules import taken_off

OPEN: Final = frozenset({"overloaded", "unavailable", "outcome_unknown"})
"""Refusals after which the very same may be asked again."""

GONE: Final = frozenset({"hold_not_found", "hold_expired", "event_not_found"})

LOOK_S: Final = 1.0
"""How long it takes at most until an order of another process is noticed to be due."""

LOOK_S_MIN: Final = 0.005
"""How soon it is looked again for what was due and is in somebody else's hands."""

RECENT_MS: Final = 3_600_000
"""A provider surely remembers the key of what it was asked within this."""

AT_ONCE_MAX: Final = 8
"""None keeps a connection of the pool while it waits for a provider or an event."""

DUE_MAX: Final = 50
"""How many orders wait to be driven here before no more are taken up."""

OVER_S: Final = 60.0
"""How often it is looked for confirmed orders of events that are over."""

log = structlog.get_logger()


class Driver:
    """Does what orders wish."""

    def __init__(
        self,
        store: Orders,
        desk: Desk,
        registry: EventRegistry,
        provider: PaymentProvider | None,
        shop_url: Callable[[], str],
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._desk = desk
        self._registry = registry
        self.provider = provider
        self._shop_url = shop_url
        self.now_ms = now_ms
        self._tasks: set[asyncio.Task[None]] = set()
        self._due: set[asyncio.Task[None]] = set()
        """Those of `_tasks` that drive an order whose time has come."""
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)

    async def drive(self, order: str, applied: Applied | None = None) -> Applied:
        """Do what an order wishes, once each, until nothing is left to do now.

        Raises `ProviderUnavailable` where all else was done, `CommandRefused` for a
        refusal that may pass, `EventUnavailable` and `Unavailable`.
        """
        if applied is None:
            applied = await self._desk.hear(order)
        done: set[Wish] = {facts.Notify()}
        failure: ProviderUnavailable | None = None
        while True:
            wish = next((one for one in applied.wishes if one not in done), None)
            if wish is None:
                break
            done.add(wish)
            try:
                heard = await self._do(applied.stored, wish)
            except ProviderUnavailable as error:
                failure = error
                continue
            if heard:
                # Before the next is asked. Of two that drive it one may be given the
                # hold after the other was refused: what is written first counts, and
                # nobody books for an order that another one has told to be refused.
                applied = await self._desk.hear(order, *heard, known=applied.stored)
        if failure is not None:
            raise failure
        return applied

    async def end_attempts(self, stored: StoredOrder) -> Applied:
        """End all attempts that may still be paid. Raises as `drive` does."""
        order = stored.state.order
        applied = Applied(stored, ())
        for payment in pending(stored.state):
            wish = facts.Expire(payment.payment)
            heard = await self._of_attempt(stored, payment, wish)
            applied = await self._desk.hear(order, *heard, known=applied.stored)
        return applied

    async def look_at(self, order: str, name: str) -> None:
        """Hear of an attempt what its provider says, and go on with the order then.

        Raises `ProviderUnavailable`, `Unavailable`.
        """
        stored = await self._store.find(order)
        payment = None if stored is None else find(stored.state, name, None)
        if stored is None or payment is None:
            return
        heard = await self._of_attempt(stored, payment, facts.Look(name))
        await self._drive_alone(order, await self._desk.hear(order, *heard))

    async def drive_new(self, stored: StoredOrder) -> Applied:
        """Drive an order that was read just now, as `drive` does."""
        wishes = wishes_of(stored.state, self.now_ms())
        return await self.drive(stored.state.order, Applied(stored, wishes))

    async def go_on(self, applied: Applied) -> None:
        """Go on with an order; what fails is tried again when its time comes."""
        await self._drive_alone(applied.stored.state.order, applied)

    def kick(self, applied: Applied) -> None:
        """Go on with an order beside whoever calls this."""
        if applied.wishes:
            _ = self._start(self._drive_alone(applied.stored.state.order, applied))

    async def run(self, job: Job) -> None:
        """Look after orders when their time comes, for ever."""
        while True:
            wait_s = LOOK_S
            try:
                with job:
                    await self._take_up()
                    next_s = await self._store.next_s()
                    if next_s is not None:
                        wait_s = max(LOOK_S_MIN, min(next_s, LOOK_S))
            except Unavailable as error:
                log.warning("orders are left alone", reason=str(error))
            await asyncio.sleep(wait_s)
            if len(self._due) >= DUE_MAX:
                await asyncio.wait(self._due, return_when=asyncio.FIRST_COMPLETED)

    async def complete(self) -> None:
        """Complete what is confirmed of events that are over. Raises `Unavailable`."""
        while over := await self._store.over():
            for order in over:
                await self._desk.hear(order, facts.EventOver())

    async def look(self) -> None:
        """Drive all orders whose time has come. Raises `Unavailable`."""
        while due := await self._take_up():
            await asyncio.gather(*due)
            if len(due) < TAKEN_MAX:
                break

    async def drain(self, within_s: float) -> None:
        """Let what is under way end; the rest is taken up by somebody later."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in self._tasks:
            task.cancel()

    async def _take_up(self) -> list[asyncio.Task[None]]:
        """Begin to drive orders whose time has come; none waits for another."""

        async def drive(order: str) -> None:
            async with self._slots:
                await self._drive_alone(order, None)

        begun = [self._start(drive(order)) for order in await self._store.take_up()]
        self._due.update(begun)
        for task in begun:
            task.add_done_callback(self._due.discard)
        return begun

    def _start(self, driving: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(driving)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _drive_alone(self, order: str, applied: Applied | None) -> None:
        """Drive an order for nobody; what fails is tried again when its time comes."""
        try:
            await self.drive(order, applied)
        except (
            ProviderUnavailable,
            EventUnavailable,
            Unavailable,
            Refusal,
            OrderGone,
        ) as error:
            log.info("an order waits", order=order, reason=repr(error))
        except Exception:
            # One that cannot be driven holds up no other: it is tried again later.
            self._desk.alarms += 1
            log.exception("an order cannot be driven", order=order)

    async def _do(self, stored: StoredOrder, wish: Wish) -> list[Heard]:
        """Do what is wished; return what the order is to hear of."""
        match wish:
            case facts.Pledge() | facts.Unpledge() | facts.Book():
                return [await self._of_hold(stored, wish)]
            case facts.BookAgain():
                return [await self._book_again(stored)]
            case facts.FreeSeats(back):
                return [await self._free_seats(stored, back)]
            case facts.Open() | facts.Expire() | facts.Look():
                payment = find(stored.state, wish.payment, None)
                assert payment is not None
                return await self._of_attempt(stored, payment, wish)
            case facts.GiveMoney(refund):
                return await self._give_money(stored, refund)
            case facts.Notify():
                return []

    async def _of_hold(
        self, stored: StoredOrder, wish: facts.Pledge | facts.Unpledge | facts.Book
    ) -> Heard:
        order = stored.state
        event, hold, name = order.event, order.hold, order.order
        match wish:
            case facts.Pledge(until_s):
                command: AnyCommand = commands.Pledge(
                    id=0,
                    event=event,
                    hold=hold,
                    order=name,
                    until_s=until_s,
                    types=order.rules.types,
                )
                reply = await self._ask(stored, command, "pledge")
                if isinstance(reply, Refused):
                    return facts.NotPledged(reply.code)
                assert isinstance(reply, PledgeOk)
                local = await self._registry.find(event)
                return _pledged(stored, reply, local)
            case facts.Unpledge(release):
                command = commands.Unpledge(
                    id=0, event=event, hold=hold, order=name, release=release
                )
                reply = await self._ask(stored, command, "unpledge")
                if isinstance(reply, Refused) and reply.code not in GONE:
                    raise CommandRefused(reply)
                return facts.Unpledged()
            case facts.Book():
                command = commands.Book(id=0, event=event, hold=hold, order=name)
                return _booked(await self._ask(stored, command, "book"))

    async def _book_again(self, stored: StoredOrder) -> Heard:
        """Hold the same seats and places once more, and book them."""
        order = stored.state
        seats, areas = _places_of(order.lines)
        hold = commands.Hold(
            id=0, event=order.event, seats=seats or None, areas=areas or None
        )
        held = await self._ask(stored, hold, "late:hold")
        if isinstance(held, Refused):
            return facts.NotBooked(held.code, again=True)
        assert isinstance(held, HoldOk)
        # At what it cost when it was ordered, whatever it costs now.
        pledge = commands.Pledge(
            id=0,
            event=order.event,
            hold=held.hold,
            order=order.order,
            until_s=order.rules.until_s,
            lines=[
                commands.Priced(one.label, one.unit, one.type)
                for one in order.lines
                if one.kind in ("seat", "place")
            ],
        )
        pledged = await self._ask(stored, pledge, "late:pledge")
        if isinstance(pledged, Refused):
            return facts.NotBooked(pledged.code, again=True)
        book = commands.Book(id=0, event=order.event, hold=held.hold, order=order.order)
        return _booked(await self._ask(stored, book, "late:book"), again=True)

    async def _free_seats(self, stored: StoredOrder, back: int) -> Heard:
        """Free what a part of the order had; all of the booking where it is no part."""
        order = stored.state
        assert order.booking is not None
        command = commands.CancelPart(id=0, event=order.event, booking=order.booking)
        if back:
            leaving = [one for one in order.lines if one.back == back]
            command.seats, command.places = _parts_of(leaving)
        what = f"back:{back}" if back else "back"
        reply = await self._ask(stored, command, what)
        if isinstance(reply, Refused) and reply.code != "booking_not_found":
            raise CommandRefused(reply)
        return facts.SeatsFreed(back)

    async def _ask(self, stored: StoredOrder, command: AnyCommand, what: str) -> Reply:
        """Ask the event as the shop, under a key of the order.

        Raises `CommandRefused` for a refusal after which it may be asked again.
        """
        order = stored.state
        try:
            local = await self._registry.find(order.event)
        except EventNotFound:
            return refuse("event_not_found")
        key = f"o:{order.order}:{what}"
        reply = await ask(local, command, stored.user, False, key, system=True)
        if isinstance(reply, Refused) and reply.code in OPEN:
            raise CommandRefused(reply)
        return reply

    async def _of_attempt(
        self,
        stored: StoredOrder,
        payment: Payment,
        wish: facts.Open | facts.Expire | facts.Look,
    ) -> list[Heard]:
        if payment.provider in BY_HAND:
            return by_hand.answer(payment, wish, self.now_ms())
        provider = self._provider_of(payment)
        if isinstance(wish, facts.Open):
            session = await provider.open(
                attempt_of(stored, payment), self._urls(stored, payment)
            )
            return [facts.SessionOpen(payment.payment, session.ref, session.url)]
        ref = payment.ref or await provider.find(payment.payment)
        if ref is None:
            return [facts.NoSession(payment.payment)]
        if isinstance(wish, facts.Expire):
            return [await provider.expire(ref)]
        return [*await provider.look(ref)]

    async def _give_money(self, stored: StoredOrder, name: str) -> list[Heard]:
        order = stored.state
        refund = next(one for one in order.refunds if one.refund == name)
        payment = find(order, refund.payment, None)
        assert payment is not None
        if payment.provider in BY_HAND:
            # It waits for somebody who hands it over, and says so.
            return [facts.RefundSent(name)]
        assert payment.ref is not None
        provider = self._provider_of(payment)
        old = self.now_ms() - refund.at_ms > RECENT_MS
        seen = await provider.look(payment.ref) if old else []
        if any(getattr(fact, "refund", None) == name for fact in seen):
            return [*seen]
        fact = await provider.refund(
            RefundAsk(
                refund=name,
                ref=payment.ref,
                amount=refund.amount,
                currency=refund.currency,
                reason=refund.reason,
            )
        )
        return [*seen, facts.RefundSent(name) if fact is None else fact]

    def _provider_of(self, payment: Payment) -> PaymentProvider:
        if self.provider is None or self.provider.name != payment.provider:
            raise ProviderUnavailable(f"{payment.provider} is not set up")
        return self.provider

    def _urls(self, stored: StoredOrder, payment: Payment) -> Urls:
        shop = self._shop_url()
        # Another name of the same server is another origin: what its pages keep of the
        # buyer is there alone.
        page = f"{stored.site or shop}/orders/{stored.state.order}"
        webhook = f"{shop}/v1/payments/{payment.provider}/webhook"
        return Urls(success=page, cancel=page, webhook=webhook)


def attempt_of(stored: StoredOrder, payment: Payment) -> Attempt:
    """Return an attempt as its provider is told of it."""
    return Attempt(
        attempt=payment.payment,
        order=stored.state.order,
        reference=stored.reference,
        amount=payment.amount,
        currency=payment.currency,
        description=stored.event_name,
        email=stored.buyer.email,
        expires_at_ms=stored.state.pay_until_ms or payment.at_ms,
    )


def lines_of(
    told: list[PledgedLine],
    local: ServedEvent,
    terms: Terms,
    discounts: Sequence[Discount] = (),
) -> list[Line]:
    """Return the lines of an order of what the event told, with fees and taxes."""
    units = units_of(told, local)
    return price(units, terms, taken_off(units, discounts, terms.currency))


def units_of(told: list[PledgedLine], local: ServedEvent) -> list[Unit]:
    """Return the seats and places that the event told the prices of."""
    seats = local.board.venue.seat_index
    return [
        Unit(
            kind="seat" if line.label in seats else "place",
            label=line.label,
            category=line.category,
            type=line.type,
            amount=line.amount,
        )
        for line in told
    ]


def _pledged(stored: StoredOrder, reply: PledgeOk, local: ServedEvent) -> facts.Pledged:
    """Return the lines of what the event gave, with fees and taxes."""
    discounts = stored.state.rules.discounts
    lines = lines_of(reply.lines, local, stored.terms, discounts)
    until_ms = _ms_of(reply.expires_at)
    return facts.Pledged(
        lines=tuple(OrderLine(**structs.asdict(line)) for line in lines),
        currency=None if reply.total is None else reply.total.currency,
        total=total(lines),
        pay_until_ms=until_ms - PAY_MARGIN_S * 1_000,
    )


def _ms_of(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1_000)


def _booked(reply: Reply, *, again: bool = False) -> Heard:
    if isinstance(reply, Refused):
        return facts.NotBooked(reply.code, again)
    assert isinstance(reply, BookOk)
    return facts.Booked(reply.booking)


def _parts_of(
    lines: Sequence[OrderLine],
) -> tuple[list[str] | None, list[commands.Places] | None]:
    """Return the seats of lines, and the places, told apart by price and type."""
    seats = [one.label for one in lines if one.kind == "seat"]
    counted = Counter(
        (one.label, one.unit, one.type) for one in lines if one.kind == "place"
    )
    places = [commands.Places(*place, count) for place, count in counted.items()]
    return seats or None, places or None


def _places_of(lines: tuple[OrderLine, ...]) -> tuple[list[str], dict[str, int]]:
    """Return the seats of lines, and how many places of each area."""
    seats = [one.label for one in lines if one.kind == "seat"]
    areas = Counter(one.label for one in lines if one.kind == "place")
    return seats, dict(areas)
