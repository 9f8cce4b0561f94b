"""What must be true of what goes back: M3, S8 in flight, M1 and promises at rest.

The twin here knows of an order what its lines cost when they were priced, which of them
have a ticket that is good, and what the bank has. It trusts neither the states of lines
nor the sums that the rules keep.
"""

from collections import Counter
from typing import TYPE_CHECKING

from persistence.shop.orders.records import OrderLine, OrderState
from server.shop.payments.provider import RefundAsk
from tests.simulation.giving.people import Promise, refunds_after
from tests.simulation.orders.house import OTHERS

if TYPE_CHECKING:
    from tests.simulation.orders.tables import Row
    from tests.simulation.world import World

UNITS = ("seat", "place")


def check_seats_gone(world: "World", ask: RefundAsk) -> None:
    """Seats are free, and their tickets good no more, before money is asked for: S8."""
    order = world.bank.accounts[ask.ref].attempt.order
    state = world.tables.rows[order].stored.state
    refund = next(one for one in state.refunds if one.refund == ask.refund)
    lines = [one for one in state.lines if one.line in refund.lines]
    kept = [one for one in state.lines if one.kept]
    head = world.database.head(state.event)
    row = head.bookings.get(state.booking or "")
    if row is not None and state.booking not in head.cancelled:
        freed = [one for one in lines if one.kind in UNITS and one not in kept]
        others = [one for one in state.lines if one not in freed and one.kind in UNITS]
        for one in freed:
            most = sum(other.label == one.label for other in others)
            has = row.seats.count(one.label) + row.areas.get(one.label, 0)
            if has > most:
                world.violate(f"{order} gives money back and keeps {one.label}")
    numbers = {one.line for one in lines}
    for ticket in world.tickets.tickets.values():
        if ticket.order == order and ticket.line in numbers and ticket.is_good:
            world.violate(f"{order} gives money back and has {ticket}")
        passed = ticket.holder != world.tables.rows[order].stored.user
        mine = ticket.order == order and ticket.line in numbers and passed
        if mine and refund.asked_by is None and ask.reason == "given_back":
            world.violate(f"{order} returns what {ticket.holder} has")


def check_giving(world: "World") -> None:
    """Note what went back otherwise than it was promised, or than it cost."""
    for promise in world.promised:
        state = world.tables.rows[promise.order].stored.state
        for sentence in _promised(promise, state):
            world.violate(f"{promise.order}, {state.step}: {sentence}")
    has: Counter[tuple[str | None, int | None]] = Counter(
        (one.order, one.line)
        for one in world.tickets.tickets.values()
        if one.state != "revoked"
    )
    for name, row in world.tables.rows.items():
        for sentence in (*_once(row), *_kept_money(world, row, has)):
            world.violate(f"{name}, {row.stored.state.step}: {sentence}")


def _promised(promise: Promise, state: OrderState) -> list[str]:
    if promise.lines is not None:
        lines = [one for one in state.lines if one.line in promise.lines]
        return [f"{one.label} was given back" for one in lines if one.state == "live"]
    refunds = refunds_after(state, promise.refund or "")
    if not refunds or any(one.amount != promise.total for one in refunds):
        return [f"{promise} became {refunds}"]
    return []


def _once(row: "Row") -> list[str]:
    """A line goes back once at most: M3. A goodwill is of lines, to the cent."""
    state = row.stored.state
    again = {one.instead_of for one in state.refunds}
    standing = [one for one in state.refunds if one.refund not in again]
    counted = Counter(
        line for one in standing if one.reason == "given_back" for line in one.lines
    )
    wrong = [f"line {n} goes back {k} times" for n, k in counted.items() if k > 1]
    allowed = sum(one.allowance for one in state.lines)
    granted = sum(one.amount for one in standing if one.reason == "goodwill")
    if allowed != granted:
        wrong.append(f"{granted} was granted, and {allowed} of its lines")
    wrong += [
        f"{one.allowance} of {one.gross} was granted"
        for one in state.lines
        if not 0 <= one.allowance <= one.gross
    ]
    return wrong


def _kept_money(
    world: "World", row: "Row", has: Counter[tuple[str | None, int | None]]
) -> list[str]:
    """M1: who is here for money has what its lines cost that have a ticket.

    And what is owed: of refunds that failed, and nobody returned by another way.
    """
    state = row.stored.state
    if state.accepted is None or state.booking is None:
        return []
    bank, lines = world.bank, row.first_lines
    ref = next(x.ref for x in state.payments if x.payment == state.accepted)
    account = bank.accounts[ref or ""]
    returns = [one for one in bank.returns.values() if one.session == ref]
    left = account.captured
    left -= sum(one.amount for one in returns if one.state == "settled")
    outside = sum(
        one.amount for one in returns if one.state == "settled" and one.refund is None
    )
    lost = sum(x.amount for x in bank.doubts_of(account.ref) if x.state == "lost")
    left -= lost
    outside += lost
    over = state.step == "event_cancelled"
    mine = [one for one in lines if _is_mine(state, one, has) and not over]
    granted = {one.line: one.allowance for one in state.lines}
    worth = sum(one.gross - granted[one.line] for one in mine)
    again = {one.instead_of for one in state.refunds}
    owed = sum(
        one.amount
        for one in state.refunds
        if one.payment == state.accepted and one.reason not in OTHERS
        if one.refund not in again and one.state in ("failed", "by_hand")
    )
    # Of an order others may have returned what was to go back anyway, and a bank taken.
    if not worth + owed - outside <= left <= worth + owed:
        return [f"the bank keeps {left}, its lines are {worth}, {owed} is owed"]
    return []


def _is_mine(
    state: OrderState,
    line: OrderLine,
    has: Counter[tuple[str | None, int | None]],
) -> bool:
    """Return whether a buyer has a line: the ticket tells; a fee alone stays."""
    return line.kind == "fee" or has[state.order, line.line] > 0
