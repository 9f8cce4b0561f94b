"""What an event took, and which of its orders do not add up.

We know that it works if orders that hear of anything in any order, by the rules that
run, always add up; if the figures are those of examples; and if whatever is altered in
one table alone is noticed.
"""

import itertools
import random
from typing import Any, Final, Literal

import pytest
from msgspec import structs

from persistence.postgres.clock import DatabaseClock
from persistence.shop.money.sums import Takings, takings_of
from persistence.shop.money.terms import Fees, Tax, Terms
from persistence.shop.orders.orders import NewOrder, Orders
from persistence.shop.orders.records import OrderLine, Rules
from persistence.shop.orders.rows import OrderBuyer
from server.shop.money.pricing import Unit, price, total
from server.shop.orders.driving.desk import Desk
from server.shop.orders.facts import (
    Book,
    BookAgain,
    Booked,
    FreeSeats,
    GiveBack,
    Heard,
    Leave,
    NotBooked,
    PayAgain,
    Pledged,
    RefundSent,
    SeatsFreed,
    SessionOpen,
    Tick,
    Unpledge,
    Unpledged,
)
from server.shop.payments.provider import (
    Captured,
    Expired,
    RefundFailed,
    RefundSettled,
)
from tests.persistence.journals import Store

pytestmark = pytest.mark.postgres

EVENT = "evt"
TERMS = Terms("EUR", Fees(per_ticket=150), Tax(ppm=190_000))
KEPT = Terms("EUR", Fees(per_ticket=150, returns=False), Tax(ppm=190_000))
BORNE = Terms("EUR", Fees(per_ticket=150, paid_by="seller", returns=False))


REPLIES: Final[dict[type, list[Heard]]] = {
    Book: [Booked("bkg"), NotBooked("hold_expired"), NotBooked("sale_closed")],
    BookAgain: [Booked("bkg"), NotBooked("seat_not_free")],
    Unpledge: [Unpledged()],
    FreeSeats: [SeatsFreed()],
}
"""By what is wished of the event: what it may reply."""

Late = Literal["same", "refund"]


class Shop:
    """Orders of one event, which hear of things."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.orders = Orders(store.pool)
        self.desk = Desk(store.pool, lambda _: None, DatabaseClock(), lambda _: None)
        self._names = itertools.count(1)

    async def order(
        self, terms: Terms = TERMS, *, pays: bool = True, late: Late = "same"
    ) -> str:
        """Make an order of a seat and a place that is priced."""
        number = next(self._names)
        name = f"ord_{number}"
        await self.orders.begin(
            NewOrder(
                order=name,
                event=EVENT,
                hold=f"hold{number}",
                user="usr",
                organisation=None,
                reference=f"REF{number}",
                buyer=OrderBuyer(),
                rules=Rules(pays=pays, pay_s=900, until_s=1_020, late=late),
                terms=terms,
                provider="gateway",
                seen_total=None,
                request_hash=b"",
            )
        )
        units = [
            Unit("seat", f"A-{number}", "1", None, 4500),
            Unit("place", "GA", "1", None, 1500),
        ]
        lines = price(units, terms)
        fields = Pledged(
            lines=tuple(
                OrderLine(**{key: getattr(one, key) for key in one.__struct_fields__})
                for one in lines
            ),
            currency="EUR",
            total=total(lines),
            pay_until_ms=4_000_000_000_000,
        )
        await self.desk.hear(name, fields)
        return name

    async def hear(self, order: str, *heard: Heard) -> None:
        for one in heard:
            await self.desk.hear(order, one)

    async def paid(self, terms: Terms = TERMS, amount: int = 6300) -> str:
        order = await self.order(terms)
        await self.hear(order, captured(order, 1, amount), Booked(f"bkg{order[4:]}"))
        return order

    async def anything(self, order: str, chance: random.Random) -> Heard:
        """Return something that this order may hear of now."""
        applied = await self.desk.hear(order)
        state = applied.stored.state
        may_be: list[Heard] = [PayAgain(), Leave(), GiveBack(), Tick()]
        for wish in applied.wishes:
            may_be += REPLIES.get(type(wish), [])
        for one in state.payments:
            number, ref = int(one.payment[-1]), f"at {one.payment}"
            amounts = [one.amount, one.amount, one.amount + 9, one.amount - 9]
            paid = captured(order, number, chance.choice(amounts))
            yen = structs.replace(paid, currency="JPY")
            may_be += [
                SessionOpen(one.payment, ref, "http://pay"),
                Expired(ref=ref, attempt=one.payment, at_ms=1),
                chance.choice([paid, paid, yen]),
            ]
            back = sum(r.amount for r in state.refunds if r.payment == one.payment)
            if one.captured - back >= 100:
                # Somebody returns a part of it at the provider.
                fact = settled(order, number, "outside", 100)
                currency = one.captured_currency or "EUR"
                may_be.append(structs.replace(fact, currency=currency))
        for refund in state.refunds:
            said: dict[str, Any] = {
                "ref": f"at {refund.payment}",
                "refund": None if refund.reason == "outside" else refund.refund,
                "refund_ref": refund.ref or f"at {refund.refund}",
                "amount": refund.amount,
                "currency": refund.currency,
                "at_ms": 1,
            }
            may_be += [RefundSettled(**said), RefundFailed(**said)]
            may_be.append(RefundSent(refund.refund))
        heard = chance.choice(may_be)
        return Booked(f"bkg{order}") if isinstance(heard, Booked) else heard

    async def takings(self) -> list[Takings]:
        return await takings_of(self.store.pool, EVENT)

    async def figures(self, *names: str) -> tuple[int, ...]:
        (one,) = await self.takings()
        assert one.differing == 0, one.differences
        return tuple(getattr(one, name) for name in names)


def payment(order: str, number: int) -> str:
    return f"pay_{order[4:]}_{number}"


def refund(order: str, number: int, reason: str) -> str:
    return f"rfd_{order[4:]}_{number}_{reason}"


def captured(order: str, number: int, amount: int, currency: str = "EUR") -> Captured:
    name = payment(order, number)
    return Captured(
        ref=f"at {name}",
        attempt=name,
        at_ms=1,
        amount=amount,
        currency=currency,
    )


def settled(
    order: str, number: int, reason: str, amount: int, currency: str = "EUR"
) -> RefundSettled:
    name = refund(order, number, reason)
    return RefundSettled(
        ref=f"at {payment(order, number)}",
        refund=None if reason == "outside" else name,
        refund_ref=f"at {name}",
        amount=amount,
        currency=currency,
        reason=reason,
        at_ms=1,
    )


def failed(order: str, number: int, reason: str, amount: int) -> RefundFailed:
    name = refund(order, number, reason)
    return RefundFailed(
        ref=f"at {payment(order, number)}",
        refund=name,
        refund_ref=f"at {name}",
        amount=amount,
        currency="EUR",
        reason="account closed",
        at_ms=1,
    )


@pytest.fixture
async def shop(store: Store) -> Shop:
    await store.make_event(EVENT)
    return Shop(store)


EQUATION = ("captured", "returned", "live", "pending", "due", "outside")


async def test_an_event_that_nobody_ordered_of_took_nothing(shop):
    assert await shop.takings() == []
    await shop.order()
    assert await shop.figures(*EQUATION, "at_door") == (0,) * 7


async def test_what_is_paid_is_live_with_its_fees_and_its_tax(shop):
    await shop.paid()
    await shop.paid(KEPT)
    assert await shop.figures(*EQUATION) == (12_600, 0, 12_600, 0, 0, 0)
    assert await shop.figures("fee", "tax", "seller_fee") == (600, 2 * 1005, 0)


async def test_what_is_paid_counts_before_it_is_booked(shop):
    order = await shop.order()
    await shop.hear(order, captured(order, 1, 6300))
    assert await shop.figures(*EQUATION) == (6300, 0, 6300, 0, 0, 0)


async def test_what_is_paid_at_the_door_was_not_taken(shop):
    order = await shop.order(pays=False)
    await shop.hear(order, Booked("bkg1"))
    assert await shop.figures(*EQUATION, "at_door") == (0, 0, 0, 0, 0, 0, 6300)


async def test_a_surplus_goes_back_and_the_order_does_not_notice(shop):
    order = await shop.order()
    first = payment(order, 1)
    expired = Expired(ref=f"at {first}", attempt=first, at_ms=1)
    await shop.hear(order, expired, PayAgain())
    await shop.hear(order, captured(order, 2, 6300), Booked("bkg"))
    await shop.hear(order, captured(order, 1, 6300))
    assert await shop.figures(*EQUATION) == (12_600, 0, 6300, 6300, 0, 0)
    await shop.hear(order, settled(order, 1, "surplus", 6300))
    assert await shop.figures(*EQUATION) == (12_600, 6300, 6300, 0, 0, 0)


async def test_more_than_the_total_is_kept_to_the_total(shop):
    order = await shop.paid(amount=7000)
    assert await shop.figures(*EQUATION) == (7000, 0, 6300, 700, 0, 0)
    await shop.hear(order, settled(order, 1, "excess", 700))
    assert await shop.figures(*EQUATION) == (7000, 700, 6300, 0, 0, 0)


async def test_what_was_paid_in_another_currency_is_told_in_that(shop):
    order = await shop.order()
    await shop.hear(order, captured(order, 1, 9000, "JPY"))
    euros, yen = await shop.takings()
    assert (euros.currency, euros.captured, euros.live) == ("EUR", 0, 0)
    assert (yen.currency, yen.captured, yen.pending) == ("JPY", 9000, 9000)
    await shop.hear(order, settled(order, 1, "rejected", 9000, "JPY"))
    _, yen = await shop.takings()
    assert (yen.returned, yen.pending, yen.differing) == (9000, 0, 0)


async def test_money_without_seats_is_no_sale(shop):
    order = await shop.order(late="refund")
    await shop.hear(order, captured(order, 1, 6300), NotBooked("hold_expired"))
    assert await shop.figures(*EQUATION) == (6300, 0, 0, 6300, 0, 0)
    await shop.hear(order, settled(order, 1, "lost", 6300))
    assert await shop.figures(*EQUATION) == (6300, 6300, 0, 0, 0, 0)


async def test_what_is_given_back_is_pending_then_returned(shop):
    order = await shop.paid()
    await shop.hear(order, GiveBack())
    assert await shop.figures(*EQUATION) == (6300, 0, 0, 6300, 0, 0)
    await shop.hear(order, SeatsFreed())
    assert await shop.figures(*EQUATION) == (6300, 0, 0, 6300, 0, 0)
    await shop.hear(order, settled(order, 1, "given_back", 6300))
    assert await shop.figures(*EQUATION) == (6300, 6300, 0, 0, 0, 0)


async def test_a_fee_that_does_not_return_stays_live(shop):
    order = await shop.paid(KEPT)
    await shop.hear(order, GiveBack(), SeatsFreed())
    await shop.hear(order, settled(order, 1, "given_back", 6000))
    assert await shop.figures(*EQUATION) == (6300, 6000, 300, 0, 0, 0)
    assert await shop.figures("fee", "tax") == (300, 48)


async def test_a_fee_that_the_seller_paid_for_good_stays_with_it(shop):
    order = await shop.paid(BORNE, amount=6000)
    await shop.hear(order, GiveBack(), SeatsFreed())
    await shop.hear(order, settled(order, 1, "given_back", 6000))
    assert await shop.figures(*EQUATION, "seller_fee") == (6000, 6000, 0, 0, 0, 0, 300)


async def test_what_could_not_be_returned_is_due(shop):
    order = await shop.paid()
    await shop.hear(order, GiveBack(), SeatsFreed())
    await shop.hear(order, settled(order, 1, "given_back", 6300))
    await shop.hear(order, failed(order, 1, "given_back", 6300))
    assert await shop.figures(*EQUATION) == (6300, 0, 0, 0, 6300, 0)
    # Somebody returned a part of it by another way.
    await shop.hear(order, settled(order, 1, "outside", 300))
    assert await shop.figures(*EQUATION) == (6300, 300, 0, 0, 6000, 0)


async def test_what_was_returned_without_us_is_told_apart(shop):
    order = await shop.paid()
    await shop.hear(order, settled(order, 1, "outside", 1650))
    assert await shop.figures(*EQUATION) == (6300, 1650, 6300, 0, 0, 1650)


async def test_what_was_returned_without_us_and_came_back_is_due_to_nobody(shop):
    order = await shop.paid()
    fact = settled(order, 1, "outside", 1650)
    said = structs.asdict(fact)
    await shop.hear(order, fact, RefundFailed(**said))
    assert await shop.figures(*EQUATION) == (6300, 0, 6300, 0, 0, 0)


async def test_orders_of_other_events_are_not_counted(shop):
    await shop.paid()
    assert await takings_of(shop.store.pool, "other") == []


KEEPERS = "ALTER TABLE money_entry DISABLE TRIGGER USER; "
TAMPERINGS = {
    "captured more": "UPDATE payment SET captured = captured + 1",
    "a line gone": "UPDATE order_line SET state = 'gone' WHERE line = 1",
    "due": "UPDATE orders SET due = 1",
    "not accepted": "UPDATE orders SET accepted_payment = NULL",
    "refunded": """
        INSERT INTO refund (refund_id, payment_id, order_id, amount, currency, reason,
            state, lines, was_settled, created_at)
        VALUES ('r', 'pay_1_1', 'ord_1', 5, 'EUR', 'given_back', 'settled', '{1}', true,
            now())
    """,
    "never confirmed": KEEPERS + "DELETE FROM money_entry WHERE posting = 'confirm'",
    "never captured": KEEPERS + "DELETE FROM money_entry WHERE posting ~ 'capture'",
    "fees as tax": """
        INSERT INTO money_entry (order_id, posting, account, amount, currency)
        VALUES ('ord_1', 'x', 'fees', 5, 'EUR'), ('ord_1', 'x', 'tax', -5, 'EUR')
    """,
}


@pytest.mark.parametrize("sql", TAMPERINGS.values(), ids=TAMPERINGS)
async def test_what_is_altered_in_one_table_alone_is_noticed(shop, sql):
    await shop.paid()
    async with shop.store.pool.transaction() as connection:
        await connection.execute(sql)
    (one,) = await shop.takings()
    assert one.differing == 1
    (difference,) = one.differences
    assert (difference.order, difference.reference) == ("ord_1", "REF1")
    assert "REF1" in difference.sentence()


async def test_what_is_owed_though_no_refund_failed_is_noticed(shop):
    order = await shop.order(late="refund")
    await shop.hear(order, captured(order, 1, 6300), NotBooked("hold_expired"))
    await shop.store.query("DELETE FROM refund")
    await shop.store.query("UPDATE orders SET due = 6300")
    (one,) = await shop.takings()
    assert [(each.is_uneven, each.due) for each in one.differences] == [(True, 6300)]


@pytest.mark.parametrize("seed", range(6))
async def test_orders_add_up_whatever_they_hear_of(shop, seed):
    """M1, by the rules that run: orders hear of what may happen, in any order."""
    chance = random.Random(seed)
    terms = chance.choice([TERMS, KEPT, BORNE])
    for _ in range(3):
        order = await shop.order(
            terms, pays=chance.random() < 0.9, late=chance.choice(["same", "refund"])
        )
        for _ in range(16):
            heard = await shop.anything(order, chance)
            await shop.hear(order, heard)
            for one in await shop.takings():
                assert one.differing == 0, (heard, one.differences)
