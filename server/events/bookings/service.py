"""Bookings, as those who made them and those who run the event may use them."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from inventory.commands import Cancel
from inventory.replies import Refused
from persistence.events.bookings import Booking, Bookings, Buyer, Wanted
from server.base.identity import Identity
from server.base.refusals.refusals import CommandRefused, Refusal
from server.events.catalogue.service import EventService, FoundEvent
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    ask,
)
from server.people.organisations.membership import Memberships


class BookingSearch(Struct, frozen=True, kw_only=True):
    """Which bookings of an event to list; None is any.

    `text` is an id, an order, a user or a seat, how a reference begins, or words of the
    buyer's name or address.
    """

    wanted: Wanted = Wanted()
    text: str | None = None
    seat: str | None = None


class EventBookings:
    """The bookings of one event, for somebody who sees them.

    `BookingService.of_event` makes it. Raises `Unavailable`.
    """

    def __init__(self, store: Bookings, event: FoundEvent) -> None:
        self._store = store
        self._event = event

    async def list(
        self, search: BookingSearch, *, below: int | None, limit: int
    ) -> list[tuple[Booking, Buyer]]:
        """Return bookings with who made them, the newest first.

        Only those of lower versions than `below`, and at most `limit`.
        """
        return await self._store.list_of_event(
            self._event.id,
            wanted=search.wanted,
            text=search.text,
            text_is_seat=self._is_seat(search.text),
            seat=search.seat,
            below=below,
            limit=limit,
        )

    async def count(self, search: BookingSearch) -> int:
        """Return how many bookings there are in all."""
        return await self._store.count_of_event(
            self._event.id,
            wanted=search.wanted,
            text=search.text,
            text_is_seat=self._is_seat(search.text),
            seat=search.seat,
        )

    def _is_seat(self, text: str | None) -> bool:
        return text in self._event.board.venue.seat_index


class BookingService:
    """Finds, lists and cancels bookings. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self,
        store: Bookings,
        registry: EventRegistry,
        events: EventService,
        memberships: Memberships,
    ) -> None:
        self.store = store
        self._registry = registry
        self._events = events
        self._memberships = memberships

    async def find(self, who: Identity, booking: str) -> Booking:
        """Return a booking that somebody made, or that is of an event they run."""
        return await self._seen(who, await self.store.find(booking))

    async def find_by_reference(self, who: Identity, reference: str) -> Booking:
        """Return the booking with a reference, as `find` does."""
        return await self._seen(who, await self.store.find_by_reference(reference))

    async def of_event(self, who: Identity, event: str) -> EventBookings:
        """Return the bookings of an event to somebody who manages it or is of it."""
        found = await self._events.find(who, event)
        await self._memberships.require_insight(who, found.organisation, found.maker)
        return EventBookings(self.store, found)

    async def cancel(self, who: Identity, booking: str, key: str | None) -> Booking:
        """Cancel a booking: its buyer in time, who manages the event at any time.

        One that is cancelled stays so. Returns it as it is then.
        """
        row = await self.find(who, booking)
        of = await self._events.find_row(row.event)
        whose = of.organisation, of.created_by
        organizer = await self._memberships.manages(who, *whose)
        if row.user != who.user and not organizer:
            # Staff of the organisation see it, and no more.
            await self._memberships.require_manager(who, *whose)
        try:
            local = await self._registry.find(row.event)
        except EventNotFound as error:
            raise Refusal("booking_not_found") from error
        except EventUnavailable as error:
            raise Refusal("unavailable") from error
        command = Cancel(id=0, event=row.event, booking=booking)
        reply = await ask(local, command, who.user, organizer, key)
        after = await self.find(who, booking)
        if isinstance(reply, Refused):
            done = reply.code == "booking_not_found" and after.cancelled_at is not None
            if not done:
                raise CommandRefused(reply)
        return after

    async def _seen(self, who: Identity, row: Booking | None) -> Booking:
        # Somebody else's booking looks like none at all.
        if row is None:
            raise Refusal("booking_not_found")
        if row.user != who.user:
            of = await self._events.find_row(row.event)
            whose = of.organisation, of.created_by
            if not await self._memberships.sees(who, *whose):
                raise Refusal("booking_not_found")
        return row


BOOKING_SERVICE: Final = web.AppKey("booking service", BookingService)
