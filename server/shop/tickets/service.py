"""Tickets as those who hold them, and those who run the event, may use them."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.postgres.pool import Pool
from persistence.shop.tickets.keys import KeyRow
from persistence.shop.tickets.register import State, open_register, reissue
from persistence.shop.tickets.tickets import Revocations, Ticket, Tickets
from server.base.access import Denial, has_order
from server.base.identity import Identity, Machine
from server.base.refusals.refusals import LIMIT_REACHED, Denied, Refusal
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships
from server.shop.tickets.keyring import Keyring
from server.shop.tickets.problems import (
    TICKET_CHANGED,
    TICKET_NOT_FOUND,
    TICKET_NOT_VALID,
)
from server.shop.tickets.token import GENERATION_MAX, Claims, event_mark, sign

CODES_KEPT_MAX: Final = 16_384
"""Some 400 bytes each; to sign one takes a tenth of a millisecond."""

ENTERS: Final[frozenset[State]] = frozenset({"valid", "offered"})
"""States in which a ticket has a code."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ShownTicket(Struct, frozen=True):
    """A ticket as somebody sees it."""

    ticket: Ticket
    code: str | None
    """What its QR holds; None where it lets nobody in, or is not theirs to use."""


class TicketService:
    """Finds, lists and reissues tickets. Raises `Unavailable`, and `Refusal`.

    The code of a ticket is for who holds it, and for people who manage the event: all
    others who may see the ticket see it without.
    """

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        events: EventService,
        memberships: Memberships,
    ) -> None:
        self.store = Tickets(pool)
        self.keyring = keyring
        self._pool = pool
        self._events = events
        self._memberships = memberships
        self._codes: OrderedDict[tuple[str, int, str], str] = OrderedDict()

    async def find(self, who: Identity, ticket: str) -> ShownTicket:
        """Return a ticket to its holder, who booked it, and those who run the event.

        Who opened its order has it as who booked it, and the code unless somebody else
        holds it.
        """
        found = await self.store.find(ticket)
        if found is None:
            raise Refusal(TICKET_NOT_FOUND)
        bought = has_order(who, found.buyer, found.order)
        if who.user == found.holder or (bought and found.buyer == found.holder):
            return (await self.shown([found]))[0]
        whose = found.organisation, found.maker
        if not isinstance(who, Machine) and await self._memberships.manages(
            who, *whose
        ):
            return (await self.shown([found]))[0]
        if not bought and not await self._memberships.sees(who, *whose):
            # Somebody else's ticket looks like none at all.
            raise Refusal(TICKET_NOT_FOUND)
        return ShownTicket(found, None)

    async def find_code(self, who: Identity, ticket: str) -> tuple[Ticket, str]:
        """Return a ticket and its code to somebody who may use it."""
        shown = await self.find(who, ticket)
        if shown.code is not None:
            return shown.ticket, shown.code
        if shown.ticket.state not in ENTERS:
            raise Refusal(TICKET_NOT_VALID)
        raise Denied(Denial("forbidden", "This is for who holds the ticket."))

    async def find_order_codes(
        self, who: Identity, order: str
    ) -> list[tuple[Ticket, str]]:
        """Return the tickets of an order that let somebody in, with their codes.

        To who manages the event all of them; to who bought them those that nobody else
        has since.
        """
        found = await self.store.of_orders([order])
        if not found:
            raise Refusal(TICKET_NOT_FOUND)
        first = found[0]
        whose = first.organisation, first.maker
        if isinstance(who, Machine) or not await self._memberships.manages(who, *whose):
            if not has_order(who, first.buyer, order):
                raise Refusal(TICKET_NOT_FOUND)
            found = [one for one in found if one.holder == first.buyer]
        shown = await self.shown(found)
        usable = [(one.ticket, one.code) for one in shown if one.code is not None]
        if not usable:
            raise Refusal(TICKET_NOT_VALID)
        return usable

    async def of_orders(self, orders: list[str], user: str) -> list[ShownTicket]:
        """Return the tickets of orders that somebody sees, codes of those they hold."""
        shown = await self.shown(await self.store.of_orders(orders))
        return [
            one if one.ticket.holder == user else ShownTicket(one.ticket, None)
            for one in shown
        ]

    async def require_insight(self, who: Identity, event: str) -> None:
        """Raise `Refusal` for who does not see what is for those who run an event."""
        row = await self._events.find_shown_row(who, event)
        await self._memberships.require_insight(who, row.organisation, row.created_by)

    async def revoked(self, who: Identity, event: str, since: int) -> Revocations:
        """Return what was revoked of an event, to those who run it and their gates."""
        await self.require_insight(who, event)
        return await self.store.revoked(event, since)

    async def reissue(self, who: Identity, ticket: str, generation: int) -> ShownTicket:
        """Issue a ticket anew in the place of a generation, whose code is revoked.

        For who manages the event. Where that was done before, it is as it is.
        """
        shown = await self.find(who, ticket)
        found = shown.ticket
        await self._memberships.require_manager(who, found.organisation, found.maker)
        if found.generation == generation + 1 and found.state in ENTERS:
            return shown
        if found.state != "valid":
            raise Refusal(TICKET_NOT_VALID)
        if found.generation != generation:
            raise Refusal(TICKET_CHANGED)
        if generation >= GENERATION_MAX:
            raise Refusal(LIMIT_REACHED, limit=GENERATION_MAX, has=generation)
        async with self._pool.transaction() as connection:
            revision = await open_register(connection, found.event)
            signer = await self.keyring.current(connection, found.organisation)
            await reissue(connection, revision, ticket, signer.key, generation)
        # Somebody else may have been first: what there is by now tells.
        after = await self.find(who, ticket)
        if after.ticket.generation == generation:
            raise Refusal(TICKET_NOT_VALID)
        return after

    async def add_key(self, who: Identity, organisation: str | None) -> list[KeyRow]:
        """Add a key that signs the tickets of an organisation from tomorrow on.

        For its owners; that of the house (None) for administrators. Returns all keys of
        theirs, newest first. Where one waits already, nothing is added.
        """
        if organisation is not None:
            await self._memberships.require(who, organisation, "owner")
        elif who.role != "admin":
            raise Denied(Denial("forbidden", "This needs an administrator."))
        return await self.keyring.rotate(organisation)

    async def shown(self, tickets: Sequence[Ticket]) -> list[ShownTicket]:
        """Return tickets with their codes, to whoever may use them."""
        enter = [one for one in tickets if one.state in ENTERS]
        missing = {one.key: one.organisation for one in enter if not self._kept(one)}
        signers = await self.keyring.signers(missing) if missing else {}
        shown = []
        for one in tickets:
            code = None
            if one.state in ENTERS:
                code = self._kept(one)
                if code is None:
                    signer = signers[one.key]
                    code = sign(claims_of(one, signer.key), signer.private)
                    self._keep(one, code)
            shown.append(ShownTicket(one, code))
        return shown

    def _kept(self, one: Ticket) -> str | None:
        return self._codes.get((one.ticket, one.generation, one.key))

    def _keep(self, one: Ticket, code: str) -> None:
        self._codes[one.ticket, one.generation, one.key] = code
        if len(self._codes) > CODES_KEPT_MAX:
            self._codes.popitem(last=False)


def claims_of(ticket: Ticket, key: str) -> Claims:
    """Return what the code of a ticket says, signed with a key."""
    return Claims(
        event=event_mark(ticket.event),
        number=ticket.number,
        generation=ticket.generation,
        kind=ticket.kind,
        place=ticket.place,
        valid_from_day=(ticket.issued_at - _EPOCH).days,
        key=key,
    )


TICKET_SERVICE: Final = web.AppKey("ticket service", TicketService)
"""Tickets, their codes, and the keys that sign these."""
