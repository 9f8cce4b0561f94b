"""Tickets as files of mails: printed when the mail is sent."""

from typing import Final

import structlog

from server.base.refusals.refusals import Refusal
from server.shop.tickets.pictures.printer import Printer
from server.shop.tickets.problems import SCRIPT_NOT_PRINTED
from server.shop.tickets.service import TicketService
from server.transport.mail.composed import File

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
        if found is None or found.buyer != found.holder:
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
            log.info("a ticket is not set", ticket=ticket)
            return None
        return File(f"ticket-{found.number}.pdf", PDF, pdf)
