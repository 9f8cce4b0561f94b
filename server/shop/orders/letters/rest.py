"""What the buyer of an order was told, and what was done about it, over REST."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta, Struct

from inventory.limits import ID_LENGTH_MAX
from persistence.mail import OutboxRow, OutboxState
from persistence.people.activity import ActivityRow, Wanted
from persistence.people.addresses import address_key
from persistence.shop.orders.rows import StoredOrder
from server.people.activity.rest import ACTIVITY_LOG
from server.shop.orders.letters.service import LETTER_SERVICE, Letter
from server.shop.orders.problems import (
    LETTER_NOT_FOUND,
    LETTERS_USED_UP,
    NO_ADDRESS,
    ORDER_CLOSED,
    ORDER_NOT_FOUND,
)
from server.transport.http.problems import BAD_FIELD, FORBIDDEN, UNAVAILABLE
from server.transport.rest.call import Call
from server.transport.rest.guard import meter_of
from server.transport.rest.notes import note_details, note_objects
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import PAGING, WRITES, Route


class LetterAsk(Struct, forbid_unknown_fields=True):
    """Which letter is to be sent once more."""

    letter: Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX)]


class LetterMail(Struct):
    """A mail of a letter; what it says is told to nobody but whom it is for."""

    recipient: str | None
    """None where it is not the order's address, but one that the account has."""
    state: OutboxState
    """`due` waits or is being sent; `dead` was refused for good, or is too late."""
    attempts: int
    created_at: datetime
    ended_at: datetime | None
    """When it was sent or refused for good."""
    reason: str | None
    """What the last attempt met, likewise."""


class LetterDocument(Struct):
    """What the buyer was told: in the application, and by mail."""

    letter: str
    kind: str
    at: datetime
    read_at: datetime | None
    """When it was read in the application."""
    mails: list[LetterMail]
    """The oldest first; of those that are over for more than a week nothing is known,
    and there is none where nobody has an address."""


class LetterList(Struct):
    """What the buyer of an order was told, the oldest first."""

    order: str
    items: list[LetterDocument]


class OrderActivity(Struct):
    """One call about an order that writes, without where it came from."""

    id: str
    at: datetime
    actor: str | None
    role: str | None
    method: str
    route: str
    status: int
    code: str | None
    details: dict[str, Any]


async def list_letters(call: Call) -> web.Response:
    """List what the buyer of an order was told."""
    order = call.path("order", ORDER_NOT_FOUND)
    service = call[LETTER_SERVICE]
    stored = await service.find_managed(call.who, order)
    return call.read(_list_of(stored, await service.letters_of(stored)))


async def send_letter(call: Call) -> web.Response:
    """Send a letter of an order once more, to the address of the order."""
    order = call.path("order", ORDER_NOT_FOUND)
    service = call[LETTER_SERVICE]
    # Who may not is told so, whatever the body says.
    stored = await service.find_managed(call.who, order)
    note_objects(call.request, event=stored.state.event)
    body = await call.body(LetterAsk)
    letters = await service.send(stored, body.letter, meter_of(call))
    kind = next(x.notice.kind for x in letters if x.notice.notice_id == body.letter)
    note_details(call.request, letter=kind)
    return call.answer(_list_of(stored, letters))


async def list_order_activity(call: Call) -> web.Response:
    """List what was done about an order, newest first."""
    order, query = call.path("order", ORDER_NOT_FOUND), call.request.query
    await call[LETTER_SERVICE].find_managed(call.who, order)
    log, wanted = call[ACTIVITY_LOG], Wanted(order=order)
    rows, cursor = await log.list(
        wanted, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(log.count, wanted))
    return call.read(Page([_activity_of(row) for row in rows], cursor, total))


def _list_of(stored: StoredOrder, letters: list[Letter]) -> LetterList:
    items = [
        LetterDocument(
            letter=one.notice.notice_id,
            kind=one.notice.kind,
            at=one.notice.at,
            read_at=one.notice.read_at,
            mails=[_mail_of(stored, row) for row in one.mails],
        )
        for one in letters
    ]
    return LetterList(stored.state.order, items)


def _mail_of(stored: StoredOrder, row: OutboxRow) -> LetterMail:
    # An address that the buyer gave to us is not for who sells to know.
    told = address_key(row.recipient) == address_key(stored.buyer.email or "")
    return LetterMail(
        recipient=row.recipient if told else None,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        ended_at=row.ended_at,
        reason=row.reason if told else None,
    )


def _activity_of(row: ActivityRow) -> OrderActivity:
    return OrderActivity(
        id=row.activity_id,
        at=row.at,
        actor=row.actor,
        role=row.role,
        method=row.method,
        route=row.route,
        status=row.status,
        code=row.code,
        details=row.details,
    )


MANAGES: Final = "Needs the token of whoever manages the event."
FOUND: Final = (FORBIDDEN, ORDER_NOT_FOUND, UNAVAILABLE)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/orders/{order}/letters",
        handler=list_letters,
        name="list_letters",
        who=MANAGES,
        summary="List what the buyer of an order was told, and the mails of it",
        tag="Orders",
        access="buyer",
        answers=LetterList,
        cached=True,
        problems=FOUND,
    ),
    Route(
        method="POST",
        path="/v1/orders/{order}/letters",
        handler=send_letter,
        name="send_letter",
        who=MANAGES,
        summary="Send one of an order's letters once more",
        tag="Orders",
        access="buyer",
        body=LetterAsk,
        answers=LetterList,
        keyed=True,
        problems=(
            FORBIDDEN,
            ORDER_NOT_FOUND,
            *WRITES,
            LETTER_NOT_FOUND,
            LETTERS_USED_UP,
            NO_ADDRESS,
            ORDER_CLOSED,
        ),
    ),
    Route(
        method="GET",
        path="/v1/orders/{order}/activity",
        handler=list_order_activity,
        name="list_order_activity",
        who=MANAGES,
        summary="List who did what about an order, newest first",
        tag="Orders",
        access="buyer",
        answers=Page[OrderActivity],
        cached=True,
        query=PAGING,
        problems=(*FOUND, BAD_FIELD),
    ),
)
