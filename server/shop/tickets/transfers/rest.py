"""Passing a ticket on over REST: offered, looked at, taken back, taken."""

from datetime import datetime
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from inventory.faults import Faults
from persistence.shop.tickets.transfers import Transfer, TransferState
from server.people.auth.fields import Email, check_email
from server.shop.tickets.problems import (
    TICKET_IS_IN,
    TICKET_NOT_FOUND,
    TICKET_NOT_VALID,
    TRANSFER_NOT_FOUND,
    TRANSFER_OPEN,
)
from server.shop.tickets.rest import TicketDocument, document_of
from server.shop.tickets.service import ShownTicket
from server.shop.tickets.transfers.service import TRANSFER_SERVICE
from server.transport.http.problems import (
    BAD_FIELD,
    CODE_INVALID,
    FORBIDDEN,
    KEY_REUSED,
    LIMIT_REACHED,
    UNAVAILABLE,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.guard import meter_of
from server.transport.rest.notes import note_objects
from server.transport.rest.route import WRITES, Route


class TransferAsk(Body):
    """To whom a ticket is offered."""

    email: Email

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the address."""
        check_email(faults, self.email)


class TransferAccept(Struct, forbid_unknown_fields=True):
    """What the mail has."""

    code: Annotated[str, Meta(min_length=1, max_length=128)]


class TransferDocument(Struct, kw_only=True):
    """A ticket's way to somebody else, as who offers it sees it."""

    transfer: str
    ticket: str
    email: str
    status: TransferState
    created_at: datetime
    expires_at: datetime


async def offer_ticket(call: Call) -> web.Response:
    """Offer a ticket to an address: whoever has the code of its mail may take it."""
    key, ticket = call.key, call.path("ticket", TICKET_NOT_FOUND)
    body = await call.body(TransferAsk)
    email, service = body.email.strip(), call[TRANSFER_SERVICE]
    made = await service.offer(call.who, ticket, email, key, meter_of(call))
    note_objects(call.request, event=made.event)
    return call.answer(_document(made), status=201)


async def show_transfer(call: Call) -> web.Response:
    """Show what became of the last offer of a ticket."""
    ticket = call.path("ticket", TRANSFER_NOT_FOUND)
    shown = await call[TRANSFER_SERVICE].find(call.who, ticket)
    return call.read(_document(shown), revision=shown.revision)


async def accept_transfer(call: Call) -> web.Response:
    """Take a ticket that is offered: its code of before is revoked."""
    ticket, body = call.path("ticket", CODE_INVALID), await call.body(TransferAccept)
    service = call[TRANSFER_SERVICE]
    shown = await service.accept(call.who, ticket, body.code, meter_of(call))
    return _answer(call, shown)


async def withdraw_transfer(call: Call) -> web.Response:
    """Take an offer back."""
    ticket = call.path("ticket", TRANSFER_NOT_FOUND)
    # A second time is none, so the key is not looked at.
    shown = await call[TRANSFER_SERVICE].withdraw(call.who, ticket, call.seen)
    note_objects(call.request, event=shown.event)
    return call.answer(_document(shown), revision=shown.revision)


def _answer(call: Call, shown: ShownTicket) -> web.Response:
    document = document_of(shown)
    note_objects(call.request, event=document.event.id)
    return call.answer(document)


def _document(one: Transfer) -> TransferDocument:
    return TransferDocument(
        transfer=one.transfer,
        ticket=one.ticket,
        email=one.email,
        status=one.state,
        created_at=one.created_at,
        expires_at=one.expires_at,
    )


ONE: Final = "/v1/tickets/{ticket}/transfer"

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=ONE,
        handler=offer_ticket,
        name="offer_ticket",
        who="Needs the token of who holds the ticket.",
        summary="Offer a ticket to somebody else, who gets a code by mail",
        tag="Tickets",
        access="buyer",
        body=TransferAsk,
        answers=TransferDocument,
        status=201,
        keyed=True,
        problems=(
            *WRITES,
            FORBIDDEN,
            TICKET_NOT_FOUND,
            TICKET_NOT_VALID,
            TICKET_IS_IN,
            TRANSFER_OPEN,
            KEY_REUSED,
            LIMIT_REACHED,
        ),
    ),
    Route(
        method="GET",
        path=ONE,
        handler=show_transfer,
        name="show_transfer",
        summary="Show what became of the offer of a ticket",
        tag="Tickets",
        access="buyer",
        answers=TransferDocument,
        cached=True,
        problems=(TRANSFER_NOT_FOUND, UNAVAILABLE),
    ),
    Route(
        method="DELETE",
        path=ONE,
        handler=withdraw_transfer,
        name="withdraw_transfer",
        summary="Take the offer of a ticket back",
        tag="Tickets",
        access="buyer",
        keyed=True,
        answers=TransferDocument,
        problems=(TRANSFER_NOT_FOUND, BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="POST",
        path=f"{ONE}/accept",
        handler=accept_transfer,
        name="accept_transfer",
        summary="Take a ticket with the code of the mail",
        tag="Tickets",
        access="buyer",
        body=TransferAccept,
        answers=TicketDocument,
        keyed=True,
        problems=(*WRITES, CODE_INVALID, TICKET_NOT_VALID, TICKET_IS_IN),
    ),
)
