"""Commands that need the time of a venue: it is taken before, and settled after.

A draft needs none. What an event is may change between the look at it and the command,
so the command tells what was found, and the actor refuses it where that is no more so:
then it is looked again.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from inventory.commands import ChangeSale, Configure
from inventory.rules.settings import merged
from inventory.settings import SettingsPatch
from persistence.errors import Revisions
from persistence.events.catalog import Catalog
from persistence.events.venue_times import PlannedPlace, TakenTime, VenueTaken
from server.base.refusals.refusals import Refusal
from server.events.catalogue.checks import taken_by
from server.live.actors.envelopes import hash_of
from server.people.organisations.membership import Memberships

if TYPE_CHECKING:
    from server.events.catalogue.service import ManagedEvent

TRIES_MAX: Final = 4
GONE: Final = (
    "Its venue was changed or deleted: make the event anew where there is one."
)

Order = Callable[
    ["ManagedEvent", ChangeSale | Configure, str | None, bytes | None], Awaitable[None]
]
"""Gives an event a command, under its key and with the hash of the request."""


class VenueTiming:
    """Publishes and moves events in venues that have the time. Raises `Refusal`."""

    def __init__(
        self, catalog: Catalog, memberships: Memberships, order: Order
    ) -> None:
        self._catalog = catalog
        self._memberships = memberships
        self._order = order

    async def publish(self, event: "ManagedEvent", key: str | None) -> None:
        """Open the sale of an event, in a venue that has the time for it."""
        request_hash = hash_of(ChangeSale(id=0, event=event.id, to="publish"))

        async def attempt(place: PlannedPlace) -> None:
            taken, period = None, None
            if place.is_draft:
                taken = await self._take_first(event, place)
            if taken is not None:
                period = place.settings.starts_at_ms, place.settings.ends_at_ms
            command = ChangeSale(id=0, event=event.id, to="publish", period=period)
            await self._ask(event, command, key, request_hash, taken)

        await self._look_and(event, attempt)

    async def configure(
        self,
        event: "ManagedEvent",
        patch: SettingsPatch,
        key: str | None,
        request_hash: bytes,
        seen: Revisions,
    ) -> None:
        """Let the actor change the settings, in a venue that has the time for it."""
        if not patch.names("starts_at_ms", "ends_at_ms"):
            command = Configure(id=0, event=event.id, patch=patch, seen=seen)
            await self._order(event, command, key, request_hash)
            return

        async def attempt(place: PlannedPlace) -> None:
            try:
                times = self._catalog.times
                taken = await times.take(place, merged(place.settings, patch))
            except VenueTaken as error:
                raise await self._taken_by(event, error) from error
            needs_none = place.is_draft and place.exclusive and taken is None
            command = Configure(
                id=0, event=event.id, patch=patch, seen=seen, only_draft=needs_none
            )
            await self._ask(event, command, key, request_hash, taken)

        await self._look_and(event, attempt, seen)

    async def _look_and(
        self,
        event: "ManagedEvent",
        attempt: Callable[[PlannedPlace], Awaitable[None]],
        seen: Revisions = None,
    ) -> None:
        """Try again while the event is another than it was looked at."""
        for _ in range(TRIES_MAX):
            place = await self._catalog.times.place_of(event.id)
            if place is None:
                raise Refusal("event_not_found")
            try:
                await attempt(place)
            except Refusal as error:
                # What the caller has seen is told to be old by the same code.
                if error.code != "precondition_failed" or seen is not None:
                    raise
            else:
                return
        raise Refusal("overloaded")

    async def _take_first(
        self, event: "ManagedEvent", place: PlannedPlace
    ) -> TakenTime | None:
        """Take the time that a draft needs, where its venue's owner lets it be."""
        if place.venue_deleted:
            raise Refusal("wrong_state", GONE)
        if place.exclusive:
            await self._memberships.require_planner(
                event.who, place.hall, place.organisation
            )
        try:
            return await self._catalog.times.take_first(place)
        except VenueTaken as error:
            raise await self._taken_by(event, error) from error

    async def _taken_by(self, event: "ManagedEvent", taken: VenueTaken) -> Refusal:
        return await taken_by(self._catalog, self._memberships, event.who, taken)

    async def _ask(
        self,
        event: "ManagedEvent",
        command: ChangeSale | Configure,
        key: str | None,
        request_hash: bytes,
        taken: TakenTime | None,
    ) -> None:
        times = self._catalog.times
        try:
            await self._order(event, command, key, request_hash)
        except Refusal as error:
            if taken is not None and error.code != "outcome_unknown":
                await times.settle(taken)
            raise
        if taken is not None:
            await times.settle(taken)
