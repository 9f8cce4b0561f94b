"""What must be true of orders, money and seats once all is at rest.

Numbers are those of the shop's invariants: M of money, S of seats. The rules are asked
only where the same facts once more must change nothing.
"""

from collections import Counter
from typing import TYPE_CHECKING, Final

from inventory.changes import HoldBooked
from inventory.loading import decode_changes
from inventory.records import BookingRecord
from inventory.state import Stock
from persistence.shop.orders.records import OrderState, Payment
from server.shop.money.ledger import Books
from server.shop.orders.rules import step
from tests.simulation.orders.house import OTHERS
from tests.simulation.orders.tables import Row

if TYPE_CHECKING:
    from tests.simulation.world import World

AT_REST: Final = frozenset(
    {
        "booked",
        "completed",
        "refused",
        "expired",
        "left",
        "lost",
        "given_back",
        "event_cancelled",
    }
)
KEPT: Final = frozenset({"booked", "completed"})
BACK: Final = frozenset({"lost", "event_cancelled"})
ENDED: Final = frozenset({"settled", "failed", "by_hand"})


def unfinished(world: "World") -> list[str]:
    """Return what orders still wait for: M7."""
    found = [f"{one.key} waits for {one.steps}" for one in world.buyers if one.waits]
    for name, row in world.tables.rows.items():
        order = row.stored.state
        states = [one.state for one in order.refunds]
        pending = [x.state for x in order.payments if x.state in ("created", "open")]
        if order.step not in AT_REST:
            found.append(f"{name} is {order.step}")
        elif pending or set(states) - ENDED:
            found.append(f"{name} has {pending} and {states}")
        elif any(line.state == "leaving" for line in order.lines):
            found.append(f"{name} has lines that leave")
    late = [one.ref for one in world.bank.returns.values() if one.state == "pending"]
    coming = [f"{one} will come" for one in world.bank.coming]
    unheard = [
        f"{name} has not heard: {sentence}"
        for name, row in world.tables.rows.items()
        for sentence in _bank(world, row.stored.state)
    ]
    return found + late + coming + unheard


def outcomes(world: "World") -> Counter[str]:
    """Count what became of orders, of what was captured, and of what was returned."""
    counted: Counter[str] = Counter()
    held = {
        change.booking: change.hold
        for event in world.events
        for row in world.database.head(event).rows
        for change in decode_changes(row.body)
        if type(change) is HoldBooked
    }
    for row in world.tables.rows.values():
        order = row.stored.state
        counted[order.step] += 1
        counted["late"] += held.get(order.booking or "", order.hold) != order.hold
        counted.update(one.use for one in order.payments if one.use)
        counted.update(f"{one.reason} {one.state}" for one in order.refunds)
        counted["typed"] += any(line.type for line in order.lines)
        disputes = [one for x in order.payments for one in x.disputes]
        counted.update(f"dispute {one.state}" for one in disputes)
    return counted


def check_orders(world: "World") -> None:
    """Note what is wrong with orders, by themselves and beside journal and bank."""
    _check_tasks(world)
    stocks = {event: world.stock(event) for event in world.events}
    for name, row in world.tables.rows.items():
        order = row.stored.state
        wrong = [
            *_lines(row, order),
            *_payments(order),
            *_books(world, row, order),
            *_bank(world, order),
            *_again(world, name, order),
        ]
        stock = stocks[order.event]
        if stock is not None:
            wrong += _seats(order, stock)
        for sentence in wrong[:2]:
            world.violate(f"{name}, {order.step}, {row.stored.user}: {sentence}")
    for event, stock in stocks.items():
        if stock is not None:
            _check_bookings(world, event, stock)


def _check_tasks(world: "World") -> None:
    """Nothing that was done beside ended in an error that nobody expected."""
    for process in world.processes:
        for task in process.loop.tasks:
            if task.done() and not task.cancelled() and task.exception() is not None:
                name = task.get_coro().__qualname__  # type: ignore[union-attr]
                if name.startswith(("Driver", "Webhook", "Shop")):
                    world.violate(f"{name} ended: {task.exception()!r}")


def _lines(row: Row, order: OrderState) -> list[str]:
    """M2: amounts of lines agree, and their sums with the total."""
    wrong = []
    included = row.stored.terms.tax.included
    for line in order.lines:
        added = 0 if included else line.tax
        gross = line.unit - line.discount + line.fee + added
        if line.gross != gross or gross < 0:
            wrong.append(f"a line is {line.gross}, not {gross}")
    if sum(line.gross for line in order.lines) != order.total:
        wrong.append(f"its lines do not come to {order.total}")
    return wrong


def _payments(order: OrderState) -> list[str]:
    """M4, S7: one payment is accepted at most, and each other one goes back whole."""
    wrong = []
    accepted = [one for one in order.payments if one.use == "accepted"]
    if [one.payment for one in accepted] != [x for x in (order.accepted,) if x]:
        wrong.append(f"{order.accepted} is accepted, beside {accepted}")
    for one in order.payments:
        if one.state != "captured":
            if one.captured or any(x.payment == one.payment for x in order.refunds):
                wrong.append(f"{one} brought nothing and has money")
            continue
        if one.use == "accepted" and one.captured_currency != order.currency:
            wrong.append(f"{one} was paid in {one.captured_currency}")
        owed, asked = one.captured - _kept(order, one), _asked_back(order, one)
        # Others may return it, too, before we know or after.
        if not owed - _outside(order, one) <= asked <= owed:
            wrong.append(f"{one} is to return {owed}, and was asked for {asked}")
    return wrong


def _kept(order: OrderState, payment: Payment) -> int:
    """Return what of a captured payment is for what the order keeps."""
    if payment.use != "accepted" or order.step in BACK:
        return 0
    if order.step not in {*KEPT, "given_back"}:
        return -1
    live = [one for one in order.lines if one.state == "live"]
    return sum(one.gross - one.allowance for one in live)


def _asked_back(order: OrderState, payment: Payment) -> int:
    """Return what we asked the bank to return of a payment, or returned otherwise."""
    again = {one.instead_of for one in order.refunds}
    return sum(
        one.amount
        for one in order.refunds
        if one.payment == payment.payment and one.reason not in OTHERS
        if one.refund not in again
    )


def _outside(order: OrderState, payment: Payment) -> int:
    """Return what others returned of a payment, or the bank of its buyer took."""
    return sum(
        one.amount
        for one in order.refunds
        if one.payment == payment.payment
        and one.reason in OTHERS
        and one.state == "settled"
    )


def _books(world: "World", row: Row, order: OrderState) -> list[str]:
    """M1: the equation, and the accounts say the same."""
    settled = [one for one in order.refunds if one.state == "settled"]
    lives = order.accepted is not None and order.step in {*KEPT, "given_back"}
    kept = [one for one in order.lines if lives and one.state == "live"]
    live = sum(one.gross - one.allowance for one in kept)
    by_hand = sum(one.amount for one in order.refunds if one.state == "by_hand")
    books = Books(
        sum(one.captured for one in order.payments),
        sum(one.amount for one in settled) + by_hand,
        live,
        sum(x.amount for x in order.refunds if x.state in ("requested", "sent")),
    )
    wrong = []
    beyond = sum(_outside(order, one) for one in order.payments)
    if not 0 <= order.due - books.rest <= beyond:
        wrong.append(f"{books} leave {books.rest}, and {order.due} is due")
    balances: Counter[str] = Counter()
    for (of, _), entries in world.tables.entries.items():
        if of == order.order:
            for entry in entries:
                balances[entry.account] += entry.amount
    if sum(balances.values()):
        wrong.append(f"its accounts come to {sum(balances.values())}")
    if not order.rules.pays:
        return wrong
    # What went another way the provider still has.
    left = books.captured - books.returned + by_hand
    if balances["provider"] != left:
        wrong.append(f"the provider has {balances['provider']}, by {books}")
    if balances["due"] != live - left:
        wrong.append(f"{balances['due']} is on due, by {books}")
    return wrong


def _bank(world: "World", order: OrderState) -> list[str]:
    """The bank has the same money of the order as its rows."""
    wrong = []
    bank = world.bank
    for account in bank.sessions_of(order.order):
        known = next((x for x in order.payments if x.ref == account.ref), None)
        if known is None and not account.captured:
            continue
        if known is None or known.captured != account.captured:
            wrong.append(f"the bank captured {account.captured}, and here is {known}")
            continue
        theirs = Counter(
            (one.amount, one.state)
            for one in bank.returns.values()
            if one.session == account.ref
        )
        doubts = bank.doubts_of(account.ref)
        theirs += Counter((x.amount, "settled") for x in doubts if x.state == "lost")
        ours = Counter(
            (one.amount, "failed" if one.state == "by_hand" else one.state)
            for one in order.refunds
            if one.payment == known.payment and one.ref is not None
        )
        if theirs != ours:
            wrong.append(f"the bank returned {theirs}, and here is {ours}")
        doubted = {(one.ref, one.state, one.amount) for one in doubts}
        heard = {(one.dispute, one.state, one.amount) for one in known.disputes}
        if doubted != heard:
            wrong.append(f"the bank doubts {doubted}, and here is {heard}")
    return wrong


def _again(world: "World", name: str, order: OrderState) -> list[str]:
    """M6: all that the bank ever said, the last first and twice, changes nothing."""
    said = world.bank.told.get(name, [])
    now_ms = world.tables.now_ms()
    for fact in (*reversed(said), *said):
        outcome = step(order, fact, now_ms)
        if outcome.postings or outcome.order != order:
            return [f"{fact} once more changes it"]
    return []


def _seats(order: OrderState, stock: Stock) -> list[str]:
    """S2, S6: a confirmed order has just its booking; another has nothing."""
    wrong = []
    booking = stock.bookings.get(order.booking or "")
    if order.step in KEPT or any(line.kept for line in order.lines):
        if booking is None:
            return [f"its booking {order.booking} is not there"]
        wrong += _is_alike(order, booking, stock)
    elif booking is not None:
        wrong.append(f"it has the booking {booking.booking}")
    if any(hold.order == order.order for hold in stock.holds.values()):
        wrong.append("it has a hold")
    return wrong


def _is_alike(order: OrderState, booking: BookingRecord, stock: Stock) -> list[str]:
    """S2, M8: lines and booking are of the same seats and places, for the same.

    What was given back and is kept from others is booked for nobody.
    """
    units = [one for one in order.lines if one.kind in ("seat", "place")]
    lines = [one for one in units if one.state == "live" or one.kept]
    mine = Counter(one.label for one in lines)
    theirs = Counter(stock.venue.labels[seat] for seat in booking.seats)
    theirs += Counter(
        {stock.venue.areas[area].label: count for area, count in booking.areas.items()}
    )
    if mine != theirs:
        return [f"its lines are {mine}, and its booking {theirs}"]
    total = None if booking.prices is None else booking.prices.total()
    cost = sum(one.unit for one in lines)
    if cost != (0 if total is None else total.amount):
        return [f"its lines are for {cost}, and its booking for {total}"]
    return []


def _check_bookings(world: "World", event: str, stock: Stock) -> None:
    """S1, S3: one booking for each order, and none unpaid where all is paid."""
    rows = world.tables.rows
    made: Counter[str] = Counter()
    for row in world.database.head(event).rows:
        for change in decode_changes(row.body):
            if type(change) is HoldBooked and change.by_order and change.order:
                made[change.order] += 1
    for order, count in made.items():
        if count > 1:
            world.violate(f"{order} was booked {count} times")
    required = stock.settings.payment == "required"
    for booking in stock.bookings.values():
        known = rows.get(booking.order or "") if booking.by_order else None
        if known is not None:
            order_state = known.stored.state
            kept = any(line.kept for line in order_state.lines)
            if order_state.step not in KEPT and not kept:
                world.violate(f"{booking.booking} has an order {order_state.step}")
            elif required and order_state.total and order_state.accepted is None:
                world.violate(f"{booking.booking} was never paid")
        elif required and not booking.by_order:
            world.violate(f"{booking.booking} has no order, and is to be paid")
