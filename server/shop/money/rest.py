"""What an event took, gave back and owes, for who manages it."""

from typing import Final

from aiohttp import web
from msgspec import Struct
from msgspec.structs import asdict

from server.shop.money.service import MONEY_SERVICE, Money
from server.transport.http.problems import EVENT_NOT_FOUND
from server.transport.rest.call import Call
from server.transport.rest.route import EVENT, Route


class TakingsDocument(Struct, kw_only=True):
    """Everything in one currency, in its minor unit.

    `captured - returned` is `sold + pending + due - outside`.
    """

    currency: str
    captured: int
    """What payments brought, whatever they were for."""
    returned: int
    """What has gone back to buyers."""
    pending: int
    """Refunds on their way."""
    due: int
    """What buyers are owed and could not be returned: somebody has to look at it."""
    outside: int
    """What was returned at the provider without us, and is for no line of an order."""
    sold: int
    """What buyers paid for what they have, with fees and tax."""
    fees: int
    """What of `sold` are fees that buyers paid."""
    seller_fees: int
    """What of `sold` are fees that the seller pays, and those it does not get back."""
    tax: int
    """What of `sold` is tax."""
    at_door: int
    """What is to be paid at the door, and was not captured."""
    booked: int
    """What seats and places of orders cost by the event's prices alone: the `ordered`
    of the audit."""


class WayDocument(Struct, kw_only=True):
    """What one way of payment took, in the minor unit of its currency."""

    provider: str
    """The provider's name; `cash` and `card` are what a counter took by hand."""
    currency: str
    payments: int
    captured: int
    returned: int
    pending: int


class KindDocument(Struct, kw_only=True):
    """What buyers have of one category as one type, in the currency's minor unit."""

    category: str
    type: str | None
    """None where it is no type of the event's."""
    currency: str | None
    places: int
    gross: int
    """What they cost, less what went back as a goodwill."""
    discount: int


class MoneyDocument(Struct, kw_only=True):
    """What an event took, by currency; `ok` where each order of it adds up."""

    event: str
    ok: bool
    currencies: list[TakingsDocument]
    ways: list[WayDocument]
    kinds: list[KindDocument]
    differing: int
    """How many orders do not add up."""
    differences: list[str]
    """What is wrong with them, for the first hundred."""


async def show_money(call: Call) -> web.Response:
    """Show what an event took, gave back and owes."""
    event = call.path("event", EVENT_NOT_FOUND)
    money = await call[MONEY_SERVICE].takings(call.who, event)
    return call.read(document_of(event, money))


def document_of(event: str, money: Money) -> MoneyDocument:
    """Return what an event took as clients see it."""
    takings = money.takings
    differing = sum(one.differing for one in takings)
    return MoneyDocument(
        event=event,
        ok=not differing,
        currencies=[
            TakingsDocument(
                currency=one.currency,
                captured=one.captured,
                returned=one.returned,
                pending=one.pending,
                due=one.due,
                outside=one.outside,
                sold=one.live,
                fees=one.fee,
                seller_fees=one.seller_fee,
                tax=one.tax,
                at_door=one.at_door,
                booked=one.unit,
            )
            for one in takings
        ],
        ways=[WayDocument(**asdict(one)) for one in money.ways],
        kinds=[KindDocument(**asdict(one)) for one in money.kinds],
        differing=differing,
        differences=[
            difference.sentence() for one in takings for difference in one.differences
        ],
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/events/{event}/money",
        handler=show_money,
        name="show_money",
        summary="Show what an event took, gave back and owes, and whether it adds up",
        tag="Analytics",
        access="manager",
        scope="analytics:read",
        answers=MoneyDocument,
        cached=True,
        problems=EVENT,
    ),
)
