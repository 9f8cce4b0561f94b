"""Registrations, as those who made them and those who run the event may use them."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from inventory.venue.own import GA
from persistence.events.attendees import (
    AlreadyRegistered,
    Attendee,
    Attendees,
    NewAttendee,
)
from persistence.events.persons import Persons
from persistence.events.rows import EventRow
from persistence.people.addresses import address_key
from server.base.identity import Identity, Machine
from server.base.refusals.refusals import CODE_INVALID, Refusal, wrong_field
from server.events.attendees.problems import (
    ALREADY_REGISTERED,
    ATTENDEE_NOT_FOUND,
    REGISTRATION_CLOSED,
    REGISTRATION_PENDING,
)
from server.events.attendees.service import RegistrationService
from server.events.catalogue.service import EventService, FoundEvent
from server.live.actors.registry import EventNotFound, EventUnavailable
from server.people.organisations.membership import Memberships
from server.transport.mail.addresses import read_email
from server.transport.mail.codes import hash_of_code
from server.transport.ratelimit.meter import Meter
from server.transport.rest.idempotency import hash_request, new_id

REGISTRATION_KIND: Final = "att"
"""What ids of registrations begin with; those of people of the house do not."""


class Comer(Struct, frozen=True, kw_only=True):
    """Who is to be registered: an `email` and a `name`, or the id of a `person`."""

    email: str | None = None
    name: str | None = None
    person: str | None = None
    locale: str = ""
    """In which language the mail is; without one English."""

    def __repr__(self) -> str:
        """Leave out who it is."""
        return f"Comer({self.person!r})"


class SeenRegistration(Struct, frozen=True):
    """A registration and its event, for somebody who sees both."""

    event: EventRow
    attendee: Attendee


class EventAttendees:
    """Those who registered for one event, for somebody who runs it.

    `AttendeeService.of_event` makes it. `text` is an id, how a reference begins, or
    words of a name or address. Raises `Unavailable`.
    """

    def __init__(self, store: Attendees, event: str) -> None:
        self._store = store
        self._event = event

    async def list(
        self, text: str | None, shown: str | None, *, limit: int, cursor: str | None
    ) -> tuple[list[Attendee], str | None]:
        """Return a page of them, the newest first, and where the next one begins."""
        return await self._store.list_of_event(
            self._event, text=text, shown=shown, limit=limit, cursor=cursor
        )

    async def count(self, text: str | None, shown: str | None) -> int:
        """Return how many there are in all."""
        return await self._store.count_of_event(self._event, text=text, shown=shown)


class AttendeeService:
    """Registers, finds and cancels. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self,
        registrations: RegistrationService,
        persons: Persons,
        events: EventService,
        memberships: Memberships,
    ) -> None:
        self.store = registrations.store
        self._registrations = registrations
        self._persons = persons
        self._events = events
        self._memberships = memberships

    async def register(
        self,
        who: Identity,
        event: FoundEvent,
        comer: Comer,
        key: str | None,
        meter: Meter,
    ) -> Attendee:
        """Register somebody for an event with open registration, and mail them.

        `event` is as `who` found it. Raises `RateLimited` for too many mails.
        """
        _check_open(event)
        email, name, person = await self._who_comes(who, comer)
        meter.mail(email)
        user = who.user

        def name_attempt(attempt: int) -> str:
            tried = key if key is None or not attempt else f"{key} {attempt}"
            return new_id(REGISTRATION_KIND, f"{user} {event.id}", tried)

        request_hash = hash_request([event.id, address_key(email), name])
        first = name_attempt(0)
        new = NewAttendee(
            first, event.id, email, name, user, request_hash, person, comer.locale
        )
        try:
            made = await self._registrations.register(new, name_attempt)
        except AlreadyRegistered as error:
            raise Refusal(ALREADY_REGISTERED) from error
        except (EventNotFound, EventUnavailable) as error:
            raise Refusal("unavailable") from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return made

    async def of_event(self, who: Identity | None, event: str) -> EventAttendees:
        """Return those of an event to somebody who runs it."""
        found = await self._events.find(who, event)
        whose = found.organisation, found.maker
        await self._memberships.require_insight(who, *whose)
        return EventAttendees(self.store, found.id)

    async def find(self, who: Identity, name: str) -> SeenRegistration:
        """Return a registration of somebody's, or of an event that they run."""
        found = await self.store.find(name)
        if found is None or found.came_to_nothing:
            raise Refusal(ATTENDEE_NOT_FOUND)
        event = await self._events.find_shown_row(who, found.event_id)
        # Somebody else's looks like none at all.
        if found.user_id != who.user and not await self._memberships.sees(
            who, event.organisation, event.created_by
        ):
            raise Refusal(ATTENDEE_NOT_FOUND)
        return SeenRegistration(event, found)

    async def find_of_event(
        self, who: Identity, event: str, name: str
    ) -> SeenRegistration:
        """Return a registration as `find` does, where it is one for this event."""
        await self._events.find_shown_row(who, event)
        seen = await self.find(who, name)
        if seen.attendee.event_id != event:
            raise Refusal(ATTENDEE_NOT_FOUND)
        return seen

    async def cancel(self, who: Identity, seen: SeenRegistration) -> Attendee:
        """Cancel a registration: who made it in time, who manages the event always.

        One that is cancelled stays so. Returns it as it is then.
        """
        whose = seen.event.organisation, seen.event.created_by
        late = await self._memberships.manages(who, *whose)
        if seen.attendee.user_id != who.user and not late:
            # Staff of the organisation see it, and no more.
            await self._memberships.require_manager(who, *whose)
        return await self._cancel(seen.attendee, late=late)

    async def cancel_by_code(self, code: str) -> Attendee:
        """Cancel in time the registration whose mail has a code, whoever asks."""
        attendee = await self.store.find_by_code(hash_of_code(code))
        if attendee is None:
            raise Refusal(CODE_INVALID)
        return await self._cancel(attendee, late=False)

    async def _who_comes(
        self, who: Identity, comer: Comer
    ) -> tuple[str, str, str | None]:
        """Return the address, the name and the person, named one way or the other."""
        if comer.person is not None:
            for field in ("email", "name"):
                if getattr(comer, field) is not None:
                    raise wrong_field(field, "Not beside an attendee, who has one.")
            found = await self._persons.find(comer.person, reader_of(who))
            if found is None:
                raise Refusal(ATTENDEE_NOT_FOUND)
            return found.email, found.name, found.person_id
        if comer.email is None or comer.name is None:
            field = "email" if comer.email is None else "name"
            detail = "Missing: give an email and a name, or an attendee."
            raise wrong_field(field, detail)
        return read_email(comer.email), comer.name, None

    async def _cancel(self, attendee: Attendee, *, late: bool) -> Attendee:
        """Cancel a registration that is there; one that is cancelled stays so."""
        if attendee.shown == "pending":
            raise Refusal(REGISTRATION_PENDING)
        if attendee.shown == "registered":
            try:
                attendee = await self._registrations.cancel(attendee, late=late)
            except (EventNotFound, EventUnavailable) as error:
                raise Refusal("unavailable") from error
        return attendee


def reader_of(who: Identity) -> str | None:
    """Return as whom somebody sees people of the house; None sees all."""
    if isinstance(who, Machine):
        return who.organisation
    return None if who.role == "admin" else who.user


def _check_open(event: FoundEvent) -> None:
    settings, venue = event.board.settings, event.board.venue
    if settings.registration != "open" or venue.seats or GA not in venue.area_index:
        raise Refusal(REGISTRATION_CLOSED)
    if settings.payment == "required":
        raise Refusal("payment_required")


ATTENDEE_SERVICE: Final = web.AppKey("attendee service", AttendeeService)
