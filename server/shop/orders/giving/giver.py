"""Begins to give things back: the order, its tickets and the books in one transaction.

Every refund of what was sold is made here, and by the rules beside this. What follows,
seats first and money second, is for whoever drives the order.
"""

from persistence.postgres.pool import Pool
from persistence.shop.orders.giving_back import (
    AlreadyIn,
    are_passed_on,
    lock_tickets,
    lock_tickets_of,
    revoke_tickets_of,
)
from persistence.shop.orders.records import OrderState
from server.base.refusals.refusals import Refusal
from server.shop.hooks.revoked import tell_revoked
from server.shop.orders.driving.desk import Applied, Desk
from server.shop.orders.facts import EventCancelled, GiveBack
from server.shop.orders.giving import rules
from server.shop.orders.giving.rules import Asked
from server.shop.orders.problems import (
    ALREADY_IN,
    LINE_NOT_FOUND,
    ORDER_CLOSED,
    REFUND_CLOSED,
    REFUND_NOT_FOUND,
    REFUND_TOO_MUCH,
    TICKET_PASSED_ON,
)

PROBLEMS = {
    rules.CLOSED: ORDER_CLOSED,
    rules.LINE_NOT_FOUND: LINE_NOT_FOUND,
    rules.REFUND_TOO_MUCH: REFUND_TOO_MUCH,
    rules.REFUND_NOT_FOUND: REFUND_NOT_FOUND,
    rules.REFUND_CLOSED: REFUND_CLOSED,
}


class Giver:
    """Lets orders give back. Raises `Unavailable`, `OrderGone` and `Refusal`."""

    def __init__(self, pool: Pool, desk: Desk) -> None:
        self._pool = pool
        self._desk = desk

    async def give(self, order: str, event: str, asked: Asked) -> Applied:
        """Let an order hear what is asked; its tickets let nobody in from then on."""
        try:
            async with self._pool.transaction() as connection:
                applied = await self._desk.apply(connection, order, [asked])
                if applied.refused is not None:
                    raise refusal_of(applied.refused)
                after, whose = applied.stored.state, applied.stored.organisation
                if isinstance(asked, EventCancelled) and after.booking is not None:
                    gone = _gone(after)
                    revoked = await revoke_tickets_of(
                        connection, event, order, gone, even_in=True
                    )
                    await tell_revoked(connection, whose, event, after.booking, revoked)
                elif isinstance(asked, GiveBack) and after.booking is not None:
                    await self._end_tickets(connection, after, asked, whose)
                    buyer = applied.stored.user
                    # What a buyer sold on is not theirs to return.
                    if asked.by is None and await are_passed_on(
                        connection, order, buyer
                    ):
                        raise Refusal(TICKET_PASSED_ON)
        except AlreadyIn as error:
            raise Refusal(ALREADY_IN) from error
        self._desk.announce(applied)
        return applied

    async def _end_tickets(
        self,
        connection: object,
        order: OrderState,
        asked: GiveBack,
        organisation: str | None,
    ) -> None:
        """Lock the tickets of what leaves; revoke those of what is gone already."""
        assert order.booking is not None
        event = order.event
        leaving = [one for one in order.lines if one.state == "leaving"]
        if asked.keep:
            gone = _gone(order)
            revoked = await revoke_tickets_of(connection, event, order.order, gone)
            await tell_revoked(connection, organisation, event, order.booking, revoked)
        elif any(one.back == 0 for one in leaving):
            await lock_tickets(connection, event, order.booking)
        elif leaving:
            lines = [one.line for one in leaving]
            await lock_tickets_of(connection, event, order.order, lines)


def refusal_of(code: str) -> Refusal:
    """Return the refusal of what the rules refuse with a code."""
    return Refusal(PROBLEMS.get(code, "key_reused"))


def _gone(order: OrderState) -> list[int]:
    return [one.line for one in order.lines if one.state == "gone" and one.kept]
