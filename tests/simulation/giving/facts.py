"""M6: all that the bank ever said, in any order and with repeats, comes to the same.

From payments and refunds as they were asked for, through the shipped rules. What was
captured, what went back, what banks doubt and what the books say is compared, and which
payment was accepted is not: that is whichever was first, and the others go back.
"""

from random import Random
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from persistence.shop.orders.records import Dispute, OrderState
from server.shop.orders.attempts import heard_of_attempt, heard_of_refund
from server.shop.orders.disputes import heard_of_dispute, taken
from server.shop.payments.provider import Disputed, Fact, RefundFailed, RefundSettled
from tests.simulation.orders.house import OTHERS

if TYPE_CHECKING:
    from server.shop.orders.facts import Posting
    from tests.simulation.world import World

ORDERS_OF_FACTS: Final = 2
SIGNS: Final = {"capture": 1, "undo": 1, "settle": -1, "outside": -1, "dispute": -1}

Came = tuple[list[tuple[str, int]], list[tuple[str, str]], list[Dispute], int]
"""What was captured, what became of refunds and disputes, and what the provider has."""


def check_facts(world: "World") -> None:
    """Note orders that would have come to something else."""
    for name, row in world.tables.rows.items():
        state, said = row.stored.state, world.bank.told.get(name, [])
        if not state.refunds and len(state.payments) < 2:
            continue
        dice = Random(name)
        came = _come_to(state, said)
        for _ in range(ORDERS_OF_FACTS):
            shuffled = [*said, *dice.sample(said, len(said) // 2)]
            dice.shuffle(shuffled)
            if _come_to(state, shuffled) != came:
                world.violate(f"{name} hangs on the order of {len(said)} facts")
        if came[:3] != _came(state)[:3]:
            world.violate(f"{name} came to {_came(state)}, and its facts to {came}")


def _come_to(state: OrderState, said: list[Fact]) -> Came:
    """Return what comes of these facts, in this order, with what was asked for."""
    payments = tuple(
        replace(
            one,
            state="created",
            captured=0,
            captured_currency=None,
            use=None,
            disputes=(),
        )
        for one in state.payments
    )
    refunds = tuple(
        replace(one, state="requested", was_settled=False, ref=None)
        for one in state.refunds
        if one.reason not in OTHERS
    )
    order = replace(state, payments=payments, refunds=refunds, accepted=None)
    postings: list[Posting] = []
    for fact in said:
        if isinstance(fact, Disputed):
            told = heard_of_dispute(order, fact)
        elif isinstance(fact, RefundSettled | RefundFailed):
            told = heard_of_refund(order, fact, 0)
        else:
            told = heard_of_attempt(order, fact)
        after = taken(told.order, 0)
        order = after.order
        postings += (*told.postings, *after.postings)
    has = sum(SIGNS[one.kind] * one.amount for one in postings)
    return *_came(order)[:3], has


def _came(state: OrderState) -> Came:
    """Return what an order says of the same; of refunds those that the bank has."""
    captured = sorted(
        (one.payment, one.captured) for one in state.payments if one.captured
    )
    states: list[tuple[str, str]] = sorted(
        (one.refund, "failed" if one.state == "by_hand" else one.state)
        for one in state.refunds
        if one.ref is not None
    )
    disputes = [one for payment in state.payments for one in payment.disputes]
    return captured, states, sorted(disputes, key=lambda one: one.dispute), 0
