"""How a guest opens an order elsewhere: by the link of a letter, or by a code."""

from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from inventory.faults import Faults
from inventory.limits import ID_LENGTH_MAX
from server.people.auth.fields import Email, check_email
from server.shop.orders.opening.service import OPENING_SERVICE
from server.transport.http.problems import CODE_INVALID
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.guard import meter_of
from server.transport.rest.notes import note_objects
from server.transport.rest.route import WRITES, Route

Secret = Annotated[str, Meta(min_length=1, max_length=128)]
ReferenceText = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX)]


class OrderLookup(Body):
    """What somebody knows of their order: its reference, and where its letter went."""

    reference: ReferenceText
    email: Email

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the address."""
        check_email(faults, self.email)


class OrderOpen(Struct, forbid_unknown_fields=True):
    """What stands behind the `#` of the link, or the code of the mail."""

    secret: Secret


class LookedUp(Struct):
    """Whether a mail is sent is not told."""

    status: Literal["accepted"] = "accepted"


class OrderOpened(Struct):
    """The token reads this order and its tickets, and cancels it; no more than that."""

    order: str
    access_token: str
    expires_in: int
    """Seconds."""
    token_type: Literal["Bearer"] = "Bearer"


async def look_up_order(call: Call) -> web.Response:
    """Send a code to who has the order, if both fit; the answer does not tell."""
    body = await call.body(OrderLookup)
    service = call[OPENING_SERVICE]
    await service.look_up(body.reference, body.email.strip(), meter_of(call))
    return call.answer(LookedUp(), status=202)


async def open_order(call: Call) -> web.Response:
    """Exchange the secret of a link, or a mailed code, for a token."""
    order, body = call.path("order", CODE_INVALID), await call.body(OrderOpen)
    opened = await call[OPENING_SERVICE].open(order, body.secret, meter_of(call))
    note_objects(call.request, order=opened.order)
    return call.answer(
        OrderOpened(opened.order, opened.access_token, opened.expires_in)
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/orders/lookup",
        handler=look_up_order,
        name="look_up_order",
        summary="Send a code that opens an order to the address of its buyer",
        tag="Orders",
        access="anonymous",
        body=OrderLookup,
        answers=LookedUp,
        status=202,
        problems=WRITES,
    ),
    Route(
        method="POST",
        path="/v1/orders/{order}/open",
        handler=open_order,
        name="open_order",
        who="Needs no token, but the secret of a link or a mail.",
        summary="Open an order with what was mailed, without being its buyer",
        tag="Orders",
        access="anonymous",
        body=OrderOpen,
        answers=OrderOpened,
        problems=(*WRITES, CODE_INVALID),
    ),
)
