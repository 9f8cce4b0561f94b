"""What promotions and codes brought, of orders as their rows have them."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from persistence.errors import BadCursor
from persistence.postgres.cursors import encode_cursor
from persistence.shop.orders.records import OrderLine
from persistence.shop.promotions.numbers import PromotionBooks, sums_of
from persistence.shop.promotions.promotions import PromotionRules, Promotions
from tests.persistence.journals import Store
from tests.persistence.ordering import PRICE, Place, put_order

pytestmark = pytest.mark.postgres

KEPT = Place("A-1")
NOON = datetime(2030, 5, 4, 12, tzinfo=UTC)
_CONFIRM = """
UPDATE orders SET redeems = true, confirmed_at = $2, rules = $3,
    accepted_payment = CASE WHEN $4 THEN order_id END WHERE order_id = $1
"""
_DISCOUNT = """
WITH l AS (UPDATE order_line SET discount = $2, gross = unit - $2 WHERE order_id = $1
    RETURNING gross)
UPDATE orders SET total = (SELECT sum(gross) FROM l) WHERE order_id = $1
"""
_REDEEM = """
INSERT INTO redemption (order_id, promotion_id, event_id, hash, user_id, state)
VALUES ($1, $2, 'evt', $3, 'ann', $4)
"""
_CHARGE = """
INSERT INTO payment (payment_id, order_id, provider, state, amount, currency,
    created_at)
VALUES ($1, $2, 'test', 'open', 1, 'EUR', now()) ON CONFLICT DO NOTHING
"""
_REFUND = """
INSERT INTO refund (refund_id, payment_id, order_id, amount, currency, reason, state,
    lines, was_settled, created_at)
VALUES ($1, $2, $3, $4, 'EUR', $5, $6, '{}', $6 = 'settled', now())
"""


def code(number: int) -> bytes:
    return number.to_bytes(32)


def shares(lines: Any, discounts: Any, currency: str) -> dict[str, int]:
    """Take a rule for ours that nobody could guess from the rows."""
    assert all(isinstance(one, OrderLine) for one in lines)
    assert currency == "EUR"
    return {one.promotion: 7 + number for number, one in enumerate(discounts)}


class Books:
    """An event with two promotions, and orders that redeem them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.books = PromotionBooks(store.pool, shares)

    async def open(self) -> None:
        await self.store.make_event("evt")
        promotions = Promotions(self.store.pool)
        for name, codes, label in (
            ("prm", [1, 2, 3], "Posters"),
            ("zzz", [4], None),
        ):
            rules = PromotionRules(name=name, ppm=100_000, stacks=True)
            await promotions.create("evt", name, rules, "usr", b"")
            hashes = [code(one) for one in codes]
            await promotions.add_codes("evt", name, None, hashes, label)

    async def order(
        self,
        name: str,
        *redeemed: tuple[str, int],
        discount: int = 50,
        state: str = "used",
        confirmed: bool = True,
        paid: bool = True,
        place: Place = KEPT,
    ) -> None:
        await put_order(self.store, None, place, order=name)
        discounts = [{"promotion": one, "name": one} for one, _ in redeemed]
        frozen = {"rules": {"discounts": discounts}}
        await self.store.query(
            _CONFIRM, name, NOON if confirmed else None, _json(frozen), paid
        )
        await self.store.query(_DISCOUNT, name, discount)
        for promotion, number in redeemed:
            await self.store.query(_REDEEM, name, promotion, code(number), state)

    async def refund(
        self,
        order: str,
        amount: int,
        *,
        payment: str | None = None,
        reason: str = "given_back",
        state: str = "settled",
    ) -> None:
        payment = payment or order
        await self.store.query(_CHARGE, payment, order)
        name = f"{order} {amount} {reason} {state}"
        await self.store.query(_REFUND, name, payment, order, amount, reason, state)

    async def of_event(self) -> dict[str, tuple[int, int, int, int, int, int]]:
        found = await self.books.of_event("evt")
        return {one.promotion: _told(one.numbers) for one in found}

    async def of_codes(self, promotion: str = "prm") -> dict[int, Any]:
        rows, cursor = await self.books.of_promotion("evt", promotion, limit=50)
        assert cursor is None
        return {int.from_bytes(one.hash): _told(one.numbers) for one in rows}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _told(numbers: Any) -> tuple[int, int, int, int, int, int]:
    money = (numbers.gross, numbers.discount, numbers.returned, numbers.net)
    return (
        numbers.uses,
        numbers.given_back,
        *(sum(one.amount for one in sums_of(each)) for each in money),
    )


NOTHING = (0, 0, 0, 0, 0, 0)


@pytest.fixture
async def books(store: Store) -> Books:
    books = Books(store)
    await books.open()
    return books


async def test_what_is_confirmed_counts_and_what_waits_does_not(books):
    assert await books.of_event() == {"prm": NOTHING, "zzz": NOTHING}
    await books.order("one", ("prm", 1))
    await books.order("two", ("prm", 2), discount=100)
    await books.order("waits", ("prm", 2), confirmed=False, state="reserved")
    both = 2 * PRICE - 150
    assert await books.of_event() == {
        "prm": (2, 0, both, 150, 0, both),
        "zzz": NOTHING,
    }
    assert await books.of_codes() == {
        1: (1, 0, PRICE - 50, 50, 0, PRICE - 50),
        2: (1, 0, PRICE - 100, 100, 0, PRICE - 100),
        3: NOTHING,
    }


async def test_what_went_back_of_the_accepted_payment_is_returned(books):
    await books.order("one", ("prm", 1))
    await books.order("all", ("prm", 1), state="back")
    await books.refund("all", PRICE - 50)
    await books.refund("one", 300, state="by_hand")
    await books.refund("one", 20, state="sent")
    await books.refund("one", 30, state="failed")
    # Charged twice, and too much: nobody paid that for the order.
    await books.refund("one", 40, payment="another")
    await books.refund("one", 10, reason="excess")
    gross = 2 * PRICE - 100
    told = (2, 1, gross, 100, PRICE - 50 + 300, PRICE - 50 - 300)
    assert await books.of_event() == {"prm": told, "zzz": NOTHING}


async def test_what_is_paid_at_the_door_goes_back_with_its_lines(books):
    await books.order("kept", ("prm", 1), paid=False)
    gone = Place("A-1", "gone")
    await books.order("gone", ("prm", 1), paid=False, state="back", place=gone)
    left = PRICE - 50
    told = (2, 1, 2 * left, 100, left, left)
    assert (await books.of_event())["prm"] == told


async def test_what_several_took_off_an_order_is_told_apart(books):
    await books.order("alone", ("prm", 1))
    await books.order("both", ("prm", 2), ("zzz", 4), discount=15)
    await books.order("waits", ("prm", 2), ("zzz", 4), confirmed=False)
    found = await books.of_event()
    assert found["prm"][3] == 50 + 7
    assert found["zzz"] == (1, 0, PRICE - 15, 8, 0, PRICE - 15)
    codes = await books.of_codes()
    assert [codes[one][3] for one in (1, 2, 3)] == [50, 7, 0]
    assert (await books.of_codes("zzz"))[4][3] == 8


async def test_orders_of_other_events_are_not_seen(books):
    await books.order("one", ("prm", 1))
    assert await books.books.of_event("other") == []
    assert not await books.books.has("other", "prm")
    assert await books.books.has("evt", "prm")


async def test_codes_come_by_pages_each_once_with_their_labels(books):
    read, cursor, seen = books.books.of_promotion, None, []
    while True:
        page, cursor = await read("evt", "prm", limit=2, cursor=cursor)
        seen.append([int.from_bytes(one.hash) for one in page])
        assert {one.label for one in page} == {"Posters"}
        if cursor is None:
            break
    assert seen == [[1, 2], [3]]
    assert await books.books.count_codes("prm") == 3
    with pytest.raises(BadCursor):
        await read("evt", "prm", limit=2, cursor="x")


async def test_a_cursor_that_names_no_code_is_none_of_this_list(books):
    with pytest.raises(BadCursor):
        await books.books.of_promotion(
            "evt", "prm", limit=2, cursor=encode_cursor(NOON, "no hex")
        )
