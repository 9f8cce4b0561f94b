"""Tickets as one takes them along: the QR, a page to print, what a wallet reads."""

from typing import Final, Literal

from aiohttp import web
from msgspec import Struct

from server.shop.tickets.pictures.printer import PRINTER
from server.shop.tickets.pictures.qr import draw_svg
from server.shop.tickets.problems import (
    SCRIPT_NOT_PRINTED,
    TICKET_NOT_FOUND,
    TICKET_NOT_VALID,
)
from server.shop.tickets.rest import TicketEventDocument, document_of
from server.shop.tickets.service import TICKET_SERVICE, ShownTicket
from server.transport.http import etags
from server.transport.http.problems import (
    FORBIDDEN,
    LIMIT_REACHED,
    OVERLOADED,
    UNAVAILABLE,
)
from server.transport.rest.call import CACHE_ASK, Call
from server.transport.rest.route import Route

SVG: Final = "image/svg+xml"
PDF: Final = "application/pdf"


class WalletSeat(Struct):
    """What a ticket is for."""

    kind: Literal["seat", "place"]
    label: str
    category: str | None


class WalletBarcode(Struct):
    """What a gate reads."""

    message: str
    alt_text: str
    """Below it, for who reads it out."""
    format: Literal["qr"] = "qr"


class WalletTicket(Struct):
    """All that a wallet shows of a ticket, in the form of none in particular."""

    serial: str
    event: TicketEventDocument
    seat: WalletSeat
    holder: str | None
    reference: str
    barcode: WalletBarcode
    kind: Literal["event_ticket"] = "event_ticket"


async def show_svg(call: Call) -> web.Response:
    """Answer with the QR of a ticket."""
    ticket = call.path("ticket", TICKET_NOT_FOUND)
    _, code = await call[TICKET_SERVICE].find_code(call.who, ticket)
    return _file(call, draw_svg(code), SVG, "ticket.svg")


async def show_pdf(call: Call) -> web.Response:
    """Answer with a ticket to print."""
    ticket = call.path("ticket", TICKET_NOT_FOUND)
    row, code = await call[TICKET_SERVICE].find_code(call.who, ticket)
    return _file(call, await call[PRINTER].print(row, code), PDF, "ticket.pdf")


async def show_order_pdf(call: Call) -> web.Response:
    """Answer with all tickets of an order to print."""
    order = call.path("order", TICKET_NOT_FOUND)
    tickets = await call[TICKET_SERVICE].find_order_codes(call.who, order)
    return _file(call, await call[PRINTER].print_all(tickets), PDF, "tickets.pdf")


async def show_wallet(call: Call) -> web.Response:
    """Answer with what a wallet needs to know of a ticket."""
    ticket = call.path("ticket", TICKET_NOT_FOUND)
    row, code = await call[TICKET_SERVICE].find_code(call.who, ticket)
    shown = document_of(ShownTicket(row, code))
    return call.read(
        WalletTicket(
            serial=row.number,
            event=shown.event,
            seat=WalletSeat(row.kind, row.label, row.category),
            holder=row.holder_name,
            reference=row.reference,
            barcode=WalletBarcode(code, row.number),
        )
    )


def _file(call: Call, body: bytes, media_type: str, name: str) -> web.Response:
    etag = etags.of_body(body)
    headers = {"ETag": etag, "Cache-Control": CACHE_ASK}
    if etags.matches(call.request.headers.get("If-None-Match"), etag):
        return web.Response(status=304, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="{name}"'
    return web.Response(body=body, content_type=media_type, headers=headers)


ONE: Final = (FORBIDDEN, TICKET_NOT_FOUND, TICKET_NOT_VALID, UNAVAILABLE)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/tickets/{ticket}.svg",
        handler=show_svg,
        name="show_ticket_qr",
        summary="Show the QR of a ticket",
        tag="Tickets",
        access="buyer",
        opened=True,
        media_type=SVG,
        cached=True,
        problems=ONE,
    ),
    Route(
        method="GET",
        path="/v1/tickets/{ticket}.pdf",
        handler=show_pdf,
        name="show_ticket_pdf",
        summary="Show a ticket to print",
        tag="Tickets",
        access="buyer",
        opened=True,
        media_type=PDF,
        cached=True,
        problems=(*ONE, SCRIPT_NOT_PRINTED, OVERLOADED),
    ),
    Route(
        method="GET",
        path="/v1/orders/{order}/tickets.pdf",
        handler=show_order_pdf,
        name="show_order_pdf",
        who="Needs the token of its buyer, or of whoever manages the event.",
        summary="Show the tickets of an order to print, each on a page",
        tag="Tickets",
        access="buyer",
        opened=True,
        media_type=PDF,
        cached=True,
        problems=(
            TICKET_NOT_FOUND,
            TICKET_NOT_VALID,
            LIMIT_REACHED,
            SCRIPT_NOT_PRINTED,
            OVERLOADED,
            UNAVAILABLE,
        ),
    ),
    Route(
        method="GET",
        path="/v1/tickets/{ticket}/wallet.json",
        handler=show_wallet,
        name="show_ticket_wallet",
        summary="Show what a wallet needs to know of a ticket",
        tag="Tickets",
        access="buyer",
        opened=True,
        answers=WalletTicket,
        cached=True,
        problems=ONE,
    ),
)
