"""Tickets of support, raised by whoever bought or wants to, told to who is asked."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.community.support import NewTicket, SupportTicket, SupportTickets
from persistence.errors import TooMany
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal, too_many, wrong_field
from server.community.support.mails import support_mail
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships
from server.transport.rest.idempotency import new_id


class Question(Struct, frozen=True):
    """What somebody asks: about an event, of an organisation, or of who runs this."""

    subject: str
    text: str
    event: str | None = None
    organisation: str | None = None
    email: str | None = None

    def __repr__(self) -> str:
        """Leave out what somebody wrote."""
        return f"Question({self.event!r}, {self.organisation!r})"


class SupportService:
    """Raises tickets. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self, store: SupportTickets, events: EventService, memberships: Memberships
    ) -> None:
        self.store = store
        self._events = events
        self._memberships = memberships

    async def ask(
        self, who: Identity, question: Question, key: str | None, request_hash: bytes
    ) -> SupportTicket:
        """Raise a ticket; whoever is asked gets a mail, and their webhooks hear of it.

        An event that somebody cannot see is not there.
        """
        organisation = await self._asked(who, question)
        new = NewTicket(
            new_id("sup", who.user, key),
            organisation,
            question.event,
            who.user,
            question.email,
            question.subject,
            question.text,
            request_hash,
        )
        try:
            made = await self.store.create(new, support_mail)
        except TooMany as error:
            raise too_many(error, "Too many within a day.") from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return made

    async def _asked(self, who: Identity, question: Question) -> str | None:
        """Return the organisation that is asked; None is who runs the server."""
        if question.event is not None:
            row = await self._events.find_shown_row(who, question.event)
            if question.organisation not in (None, row.organisation):
                raise wrong_field("organisation", "The event is of another one.")
            return row.organisation
        if question.organisation is None:
            return None
        return (await self._memberships.find(who, question.organisation)).id


SUPPORT_SERVICE: Final = web.AppKey("support service", SupportService)
