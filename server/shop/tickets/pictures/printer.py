"""Prints tickets in children, two at a time, and keeps what was printed for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from aiohttp import web

from inventory.zones import zone_of
from persistence.shop.tickets.tickets import Ticket
from server.base.refusals.refusals import LIMIT_REACHED, Refusal
from server.shop.tickets.pictures.printing import (
    CPU_S,
    MEMORY_BYTES,
    MODULE,
    Printed,
    read_answer,
)
from server.shop.tickets.problems import SCRIPT_NOT_PRINTED
from server.transport.children.workshop import Busy, Failed, Workshop

AT_ONCE_MAX: Final = 2
WAITING_MAX: Final = 32
KEPT_MAX: Final = 256
"""Some 30 KB each."""

TICKETS_MAX: Final = 100
"""Of one file."""

_pack = msgspec.msgpack.Encoder().encode


class Printer:
    """Makes PDFs of tickets; the same one once, however many ask."""

    def __init__(self) -> None:
        self._workshop = Workshop(
            MODULE,
            at_once_max=AT_ONCE_MAX,
            waiting_max=WAITING_MAX,
            memory_bytes=MEMORY_BYTES,
            cpu_s=CPU_S,
        )
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[bytes]] = {}

    async def print(self, ticket: Ticket, code: str) -> bytes:
        """Return the PDF of a ticket. Raises `Refusal`."""
        return await self.print_all([(ticket, code)])

    async def print_all(self, tickets: Sequence[tuple[Ticket, str]]) -> bytes:
        """Return the PDF of tickets with their codes, a page for each.

        Raises `Refusal`, also for more than `TICKETS_MAX`.
        """
        if len(tickets) > TICKETS_MAX:
            raise Refusal(LIMIT_REACHED, limit=TICKETS_MAX, has=len(tickets))
        job = _pack([printed_of(*one) for one in tickets])
        known = self._kept.get(job)
        if known is not None:
            self._kept.move_to_end(job)
            return known
        task = self._under_way.get(job)
        if task is None:
            task = self._under_way[job] = asyncio.create_task(self._run(job))
            task.add_done_callback(partial(self._ended, job))
        # Who asked first may go: the others still wait for it.
        return await asyncio.shield(task)

    def _ended(self, job: bytes, task: asyncio.Task[bytes]) -> None:
        del self._under_way[job]
        if not task.cancelled():
            # Perhaps nobody waits for it any more; an error is of no use then.
            task.exception()

    async def _run(self, job: bytes) -> bytes:
        try:
            answer = read_answer(await self._workshop.run(job))
        except Busy as error:
            raise Refusal("overloaded") from error
        except Failed as error:
            raise Refusal("unavailable") from error
        if answer.unset is not None:
            letter = f"{answer.unset} (U+{ord(answer.unset):04X})"
            raise Refusal(
                SCRIPT_NOT_PRINTED,
                f"The letter {letter} on this ticket is not set here; open the"
                " ticket's page and print that instead.",
            )
        self._kept[job] = answer.pdf
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return answer.pdf


def printed_of(ticket: Ticket, code: str) -> Printed:
    """Return what stands on a ticket, in words."""
    begins = ticket.starts_at.astimezone(zone_of(ticket.timezone))
    place = f"Seat {ticket.label}" if ticket.kind == "seat" else ticket.label
    return Printed(
        code=code,
        number=ticket.number,
        event=ticket.event_name,
        when=f"{begins.day} {begins:%B %Y, %H:%M} ({ticket.timezone})",
        venue=ticket.venue_name or "",
        place=place,
        holder=ticket.holder_name or "",
        reference=f"Booking {ticket.reference}",
    )


PRINTER: Final = web.AppKey("printer of tickets", Printer)
