"""Those who give back: buyers a part, who manages the event lines, money, all of it.

What they are promised is noted, and reckoned once more with nothing but what the lines
of the order cost when they were priced.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from inventory.settings import Money
from persistence.shop.orders.records import OrderLine, OrderState
from persistence.shop.orders.rows import StoredOrder
from tests.simulation.orders.house import MANAGER

if TYPE_CHECKING:
    from tests.simulation.orders.buyers import Buyer
    from tests.simulation.orders.shop import Shop

Work = Callable[["Shop"], Awaitable[StoredOrder]]

PLANS: Final = (
    ("create", "pay", "part"),
    ("create", "pay", "part", "part", "back"),
    ("create", "pay", "lines"),
    ("create", "pay", "lines", "part", "goodwill"),
    ("create", "pay", "goodwill", "goodwill", "part"),
    ("create", "pay", "goodwill", "back"),
    ("create", "pay", "keep", "back"),
    ("create", "pay", "keep", "lines", "rest"),
    ("create", "twice", "keep", "rest"),
    ("create", "pay", "rest", "retry", "hand"),
    ("create", "pay", "lines", "retry", "goodwill", "retry"),
    ("create", "pay", "part", "hand", "retry"),
    ("create", "pay", "outside", "lines", "goodwill"),
    ("create", "late", "part", "lines"),
    ("create", "part", "pay"),
    ("create", "decline", "back"),
    ("create", "back", "late"),
    ("create", "twice", "goodwill"),
    ("create", "more", "goodwill", "lines"),
)
"""What buyers do in worlds that give back, beside what they do in all."""

OVER: Final = frozenset({"refused", "expired", "left", "lost", "event_cancelled"})


class Promise(Struct, frozen=True):
    """What somebody was told that goes back."""

    order: str
    refund: str | None
    total: int
    lines: tuple[int, ...] | None
    """None where it is an amount."""


def is_open(state: OrderState) -> bool:
    """Return whether it is known by now what becomes of an order."""
    return state.booking is not None or state.step in OVER


def work_of(buyer: "Buyer", step: str) -> Work | None:
    """Return what a buyer, or who manages the event, asks for; None for nothing."""
    state = buyer.world.tables.rows[buyer.order or ""].stored.state
    key = f"{buyer.key}, {len(buyer.steps)} to go"
    if step in ("retry", "hand"):
        return _of_failed(buyer, state, step)
    if step == "goodwill":
        amount = buyer.remember(lambda: 1 + buyer.draw(max(2, state.total // 2)))
        return lambda shop: _refund(buyer, shop, None, amount, key=key)
    lines = buyer.remember(lambda: _some(buyer, state, whole=step == "rest"))
    if not lines:
        return None
    if step == "part":
        return lambda shop: shop.service.cancel(buyer.who, state.order, lines)
    keep = step == "keep"
    return lambda shop: _refund(buyer, shop, lines, None, keep=keep, key=key)


def _some(buyer: "Buyer", state: OrderState, *, whole: bool) -> tuple[int, ...]:
    """Choose lines, mostly of those that the buyer has."""
    units = [one for one in state.lines if one.kind != "fee"]
    if not whole and buyer.draw(8):
        units = [one for one in units if one.state == "live"] or units
    if not units:
        return ()
    if whole:
        return tuple(one.line for one in units)
    count = 1 + buyer.draw(min(2, len(units)))
    start = buyer.draw(len(units))
    chosen = (units + units)[start : start + count]
    return tuple(sorted({one.line for one in chosen}))


def _of_failed(buyer: "Buyer", state: OrderState, step: str) -> Work | None:
    """Try a refund again that failed, or say that it went by another way."""
    failed = [one.refund for one in state.refunds if one.state == "failed"]
    if not failed:
        return None
    name = buyer.remember(lambda: failed[buyer.draw(len(failed))])

    async def again(shop: "Shop") -> StoredOrder:
        stored = await shop.giving.find_managed(MANAGER, state.order)
        if step == "retry":
            return await shop.giving.again(MANAGER, stored, name)
        return await shop.giving.by_hand(MANAGER, stored, name, "in cash")

    return again


async def _refund(
    buyer: "Buyer",
    shop: "Shop",
    lines: tuple[int, ...] | None,
    amount: int | None,
    *,
    key: str,
    keep: bool = False,
) -> StoredOrder:
    """Look what would go back, and give it back; both are told alike."""
    world, order = buyer.world, buyer.order or ""
    asking = await shop.giving.find_to_preview(MANAGER, order)
    stored = asking.stored
    money = None if amount is None else Money(amount, stored.state.currency or "EUR")
    shown = shop.giving.preview(asking, lines, money)
    wanted = expected(stored.state, lines, amount)
    if wanted is not None and shown.total != wanted:
        world.violate(f"{order} shows {shown.total}, and {wanted} would go back")
    after, going = await shop.giving.refund(
        MANAGER, stored, lines, money, keep=keep, note="", key=key
    )
    world.promised.append(Promise(order, going.refund, going.total, lines))
    return after


def expected(
    state: OrderState, lines: Collection[int] | None, amount: int | None
) -> int | None:
    """Return what goes back, by what lines cost; None where some are gone already.

    Nothing where nothing is left: others may have returned what we asked for, too, at
    the bank, which then did not do as we asked.
    """
    if amount is not None:
        return amount
    asked = [one for one in state.lines if one.line in (lines or ())]
    if state.accepted is None or any(one.state != "live" for one in asked):
        return None
    paid = next(one for one in state.payments if one.payment == state.accepted)
    again = {one.instead_of for one in state.refunds}
    gone = sum(
        one.amount
        for one in state.refunds
        if one.payment == paid.payment and one.refund not in again
    )
    return min(sum(map(_left_of, asked)), max(0, paid.captured - gone))


def _left_of(line: OrderLine) -> int:
    return line.gross - line.allowance


def refunds_after(state: OrderState, name: str) -> list[Any]:
    """Return a refund and those that were made in its place, in order."""
    found = [one for one in state.refunds if one.refund == name]
    while found:
        after = [x for x in state.refunds if x.instead_of == found[-1].refund]
        if not after:
            break
        found += after
    return found
