"""Passes tickets on: offered by who holds one, taken with a code that was mailed.

No place is asked of the event, and whose limit it counts for stays: a ticket only has
another holder, and another code. So a sold-out event is no obstacle.
"""

import hmac
from typing import Final

from aiohttp import web

from persistence.errors import Revisions, refuse_stale
from persistence.postgres.pool import Pool
from persistence.shop.tickets.register import open_register
from persistence.shop.tickets.tickets import Ticket
from persistence.shop.tickets.transfers import (
    IsIn,
    NewTransfer,
    NotOffered,
    Transfer,
    Transfers,
    accept,
    offer,
    withdraw,
)
from server.base.access import Denial
from server.base.identity import Identity
from server.base.refusals.refusals import (
    CODE_INVALID,
    LIMIT_REACHED,
    Denied,
    Refusal,
)
from server.shop.tickets.problems import (
    TICKET_IS_IN,
    TICKET_NOT_VALID,
    TRANSFER_NOT_FOUND,
    TRANSFER_OPEN,
)
from server.shop.tickets.service import ShownTicket, TicketService
from server.shop.tickets.token import GENERATION_MAX
from server.transport.mail.codes import hash_of_code, new_code
from server.transport.ratelimit.meter import Meter
from server.transport.rest.idempotency import new_id

OVER: Final = frozenset({"cancelled", "completed"})


class TransferService:
    """Offers, gives and takes back tickets. Raises `Unavailable`, and `Refusal`.

    A `meter` counts mails and guesses, and raises `RateLimited`.
    """

    def __init__(self, pool: Pool, tickets: TicketService) -> None:
        self.store = Transfers(pool)
        self._pool = pool
        self._tickets = tickets

    async def offer(
        self, who: Identity, ticket: str, email: str, key: str | None, meter: Meter
    ) -> Transfer:
        """Offer a ticket of the caller to an address; the same call does it once."""
        found = await self._held(who, ticket)
        transfer = new_id("tra", f"{who.user} {ticket}", key)
        known = await self.store.latest(ticket)
        if known is not None and known.transfer == transfer:
            if known.email != email:
                raise Refusal("key_reused")
            return known
        if found.state == "offered":
            raise Refusal(TRANSFER_OPEN)
        if found.state != "valid" or found.sale_state in OVER:
            raise Refusal(TICKET_NOT_VALID)
        if found.generation >= GENERATION_MAX:
            raise Refusal(LIMIT_REACHED, limit=GENERATION_MAX, has=found.generation)
        meter.mail(email)
        code = new_code()
        new = NewTransfer(
            transfer=transfer,
            ticket=ticket,
            event=found.event,
            from_user=who.user,
            email=email,
            code=hash_of_code(code),
            number=found.number,
            secret=code,
        )
        try:
            async with self._pool.transaction() as connection:
                return await offer(connection, new)
        except NotOffered as error:
            raise Refusal(TICKET_NOT_VALID) from error
        except IsIn as error:
            raise Refusal(TICKET_IS_IN) from error

    async def find(self, who: Identity, ticket: str) -> Transfer:
        """Return the last offer of a ticket to who made it."""
        known = await self.store.latest(ticket)
        if known is None or known.from_user != who.user:
            raise Refusal(TRANSFER_NOT_FOUND)
        return known

    async def accept(
        self, who: Identity, ticket: str, code: str, meter: Meter
    ) -> ShownTicket:
        """Give an offered ticket to who has its code; again, it is as it is."""
        known, hashed = await self.store.latest(ticket), hash_of_code(code)
        if known is None or not hmac.compare_digest(known.code, hashed):
            meter.wrong_secret()
            raise Refusal(CODE_INVALID)
        if (known.state, known.to_user) == ("accepted", who.user):
            return await self._tickets.find(who, ticket)
        found = await self._tickets.store.find(ticket)
        assert found is not None
        try:
            async with self._pool.transaction() as connection:
                revision = await open_register(connection, found.event)
                keyring = self._tickets.keyring
                signer = await keyring.current(connection, found.organisation)
                taken = await accept(
                    connection, revision, ticket, hashed, who.user, signer.key
                )
        except NotOffered as error:
            raise Refusal(TICKET_NOT_VALID) from error
        except IsIn as error:
            raise Refusal(TICKET_IS_IN) from error
        if not taken:
            raise Refusal(CODE_INVALID)
        return await self._tickets.find(who, ticket)

    async def withdraw(self, who: Identity, ticket: str, seen: Revisions) -> Transfer:
        """Take an offer back; where that was done before, it is as it is.

        Raises `Stale`, too.
        """
        known = await self.find(who, ticket)
        if known.state == "offered":
            async with self._pool.transaction() as connection:
                done = await withdraw(connection, known.event, ticket, who.user, seen)
            known = await self.find(who, ticket)
            if done:
                return known
        refuse_stale(known.revision, seen)
        if known.state == "accepted":
            raise Refusal(TRANSFER_NOT_FOUND)
        return known

    async def _held(self, who: Identity, ticket: str) -> Ticket:
        """Return a ticket to who holds it; who sees it may not pass it on."""
        found = (await self._tickets.find(who, ticket)).ticket
        if found.holder != who.user:
            raise Denied(Denial("forbidden", "This is for who holds the ticket."))
        return found


TRANSFER_SERVICE: Final = web.AppKey("transfer service", TransferService)
"""Passes tickets on."""
