"""Takes places for those who register, and gives them back."""

from collections.abc import Callable
from typing import Final

import structlog
from msgspec.structs import replace

from inventory.commands import Book, Cancel, Hold
from inventory.replies import BookOk, HoldOk, Refused
from inventory.venue.own import GA
from persistence.events.attendees import Attendee, Attendees, NewAttendee
from persistence.postgres.pool import Pool
from server.base.refusals.refusals import CommandRefused
from server.events.attendees.mails import registered_mail
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    ServedEvent,
    ask,
)

LOOK_S: Final = 5.0
"""How often it is looked for registrations that were left alone."""

HOLD_KEY: Final = "register: hold"
BOOK_KEY: Final = "register: book"

ATTEMPTS_MAX: Final = 100
"""How many refused attempts of one request are told apart."""

OPEN: Final = frozenset({"overloaded", "unavailable", "outcome_unknown"})
"""Refusals after which a hold of ours may still be booked."""

log = structlog.get_logger()


class RegistrationRefused(CommandRefused):
    """There is no place; `refused` says why."""


class RegistrationService:
    """Drives registrations to their end, whichever it is."""

    def __init__(self, pool: Pool, registry: EventRegistry) -> None:
        self.store = Attendees(pool)
        self._registry = registry

    async def register(
        self, new: NewAttendee, name_next: Callable[[int], str]
    ) -> Attendee:
        """Register somebody, once; the same request again finds its registration.

        One that was refused is made anew, under the name of its next attempt. Raises
        `AlreadyRegistered`, `RegistrationRefused`, `EventNotFound`, `EventUnavailable`
        and `Unavailable`. After the last two, and after an unknown outcome, it goes on
        by itself.
        """
        attempt = 0
        attendee = await self.store.begin(new)
        while attendee.came_to_nothing and attempt < ATTEMPTS_MAX:
            attempt += 1
            new = replace(new, attendee_id=name_next(attempt))
            attendee = await self.store.begin(new)
        if attendee.request_hash != new.request_hash or attendee.state != "pending":
            return attendee
        return await self.drive(attendee)

    async def drive(self, attendee: Attendee) -> Attendee:
        """Take a place for a pending registration; raises as `register` does."""
        local = await self._registry.find(attendee.event_id)
        booked = await self._take_place(local, attendee)
        message = registered_mail(attendee, booked.booking, booked.reference)
        await self.store.confirm(
            attendee.attendee_id,
            booked.booking,
            booked.reference,
            message.code_hash,
            message.mail,
        )
        after = await self.store.find(attendee.attendee_id)
        if after is None:
            raise LookupError(attendee.attendee_id)
        if after.state == "gone":
            await self.give_back(after)
        return after

    async def cancel(self, attendee: Attendee, *, late: bool) -> Attendee:
        """Give back the place of somebody who registered.

        `late` is whether the event's deadline does not count. Raises as `register`.
        """
        assert attendee.booking_id is not None
        local = await self._registry.find(attendee.event_id)
        command = Cancel(id=0, event=attendee.event_id, booking=attendee.booking_id)
        reply = await ask(local, command, attendee.attendee_id, late, None)
        after = await self.store.find(attendee.attendee_id)
        if after is None:
            raise LookupError(attendee.attendee_id)
        if isinstance(reply, Refused) and after.gone_at is None:
            raise RegistrationRefused(reply)
        # Its booking has the last word: where we die here, it is as good as gone.
        await self.store.end(attendee.attendee_id)
        return after

    async def give_back(self, attendee: Attendee) -> None:
        """Cancel what somebody has who is gone; raises as `register` does."""
        for booking in await self.store.places(attendee.attendee_id):
            local = await self._registry.find(attendee.event_id)
            command = Cancel(id=0, event=attendee.event_id, booking=booking)
            await ask(local, command, attendee.attendee_id, True, None)

    async def look(self) -> None:
        """Take up what was left alone. Raises `Unavailable`."""
        for attendee in await self.store.take_up():
            try:
                if attendee.state == "pending":
                    await self.drive(attendee)
                else:
                    await self.give_back(attendee)
            except RegistrationRefused as error:
                log.info(
                    "a registration ended without a place",
                    attendee=attendee.attendee_id,
                    code=error.refused.code,
                )
            except (EventNotFound, EventUnavailable) as error:
                log.warning(
                    "a registration waits for its event",
                    attendee=attendee.attendee_id,
                    error=repr(error),
                )

    async def _take_place(self, local: ServedEvent, attendee: Attendee) -> BookOk:
        """Hold a place and book it; the same place however often it is called."""
        event, user = attendee.event_id, attendee.attendee_id
        hold = Hold(id=0, event=event, areas={GA: 1})
        held = await ask(local, hold, user, False, HOLD_KEY)
        if isinstance(held, Refused):
            # Nothing is ours, unless nobody knows.
            await self._refused(attendee, held, ends=held.code != "outcome_unknown")
        assert isinstance(held, HoldOk)
        book = Book(id=0, event=event, hold=held.hold, order=user)
        booked = await ask(local, book, user, False, BOOK_KEY)
        if isinstance(booked, Refused):
            await self._refused(attendee, booked, ends=booked.code not in OPEN)
        assert isinstance(booked, BookOk)
        return booked

    async def _refused(
        self, attendee: Attendee, refused: Refused, *, ends: bool
    ) -> None:
        if ends:
            await self.store.end(attendee.attendee_id)
        raise RegistrationRefused(refused)
