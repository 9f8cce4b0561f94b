"""Tickets as files of mails: printed when the mail is sent."""

from typing import Final

import structlog

from persistence.shop.tickets.tickets import Ticket
from server.base.refusals.refusals import Refusal
from server.shop.tickets.pictures.printer import Printer
from server.shop.tickets.problems import SCRIPT_NOT_PRINTED
from server.shop.tickets.service import TicketService
from server.transport.mail.composed import File, NotYet

PDF: Final = "application/pdf"

log = structlog.get_logger()


class TicketFiles:
    """Makes the files of tickets, for the mails that carry them."""

    def __init__(self, service: TicketService, printer: Printer) -> None:
        self._service = service
        self._printer = printer

    async def make(self, ticket: str) -> File | None:
        """Return a ticket as PDF; None where it lets nobody in, or cannot be set.

        Raises `Refusal` where that may pass, and `Unavailable`.
        """
        found = await self._service.store.find(ticket)
        return None if found is None else await self._print(found)

    async def make_of(self, booking: str) -> File | None:
        """Return the ticket of a booking of one place, as `make` does.

        Raises what that does, and `NotYet` where the ticket is still to be made.
        """
        store = self._service.store
        tickets = await store.of_booking(booking)
        if not tickets and await store.is_booked(booking):
            raise NotYet("Its ticket is being made.")
        return await self._print(tickets[-1]) if tickets else None

    async def _print(self, found: Ticket) -> File | None:
        if found.buyer != found.holder:
            # Whoever bought it handed it on: the code is not theirs any more.
            return None
        (shown,) = await self._service.shown([found])
        if shown.code is None:
            return None
        try:
            pdf = await self._printer.print(found, shown.code)
        except Refusal as refusal:
            if refusal.kind is not SCRIPT_NOT_PRINTED:
                raise
            log.info("a ticket is not set", ticket=found.ticket)
            return None
        return File(f"ticket-{found.number}.pdf", PDF, pdf)
