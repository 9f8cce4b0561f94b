"""Venues as somebody may make, change, copy and delete them, whoever asks."""

from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web
from msgspec import Struct

from inventory.venue.map import VenueMap
from persistence.errors import Revisions, TooMany
from persistence.events.catalog import Catalog, VenueRow
from persistence.events.drawn import DrawnMap
from persistence.events.usage import Owner
from persistence.events.venue_edits import (
    Coordinates,
    VenueChange,
    VenueCrowded,
    VenueInUse,
)
from server.base.access import may_make_some
from server.base.identity import Identity
from server.base.refusals.refusals import (
    Refusal,
    refuse_denied,
    too_many,
    wrong_field,
)
from server.events.venues.problems import VENUE_IN_USE, VENUE_NOT_FOUND
from server.people.organisations.membership import Memberships
from server.transport.rest.idempotency import new_id

DRAWN: Final = (
    "Events use this venue, and what is sold is on its map, so that stays as it is."
    " Copy the venue (POST /v1/venues/{venue}/duplicate) and change the copy."
)
HELD: Final = "Events use this venue. Delete them first; what was sold keeps its venue."
CROWDED: Final = "Events of this venue overlap, so it cannot take one at a time."
NO_ORGANISATION: Final = "There is no such organisation."


class NewVenue(Struct, frozen=True, kw_only=True):
    """What a venue is to be."""

    name: str
    map: VenueMap | DrawnMap
    exclusive: bool = False
    timezone: str | None = None
    address: str | None = None
    coordinates: Coordinates | None = None
    planners: Sequence[str] = ()


class VenueMaker(Struct, frozen=True):
    """Somebody who may make a venue, and for which organisation, if any.

    `VenueService.maker_for` and `copier_of` make it.
    """

    who: Identity
    organisation: str | None


class ManagedVenue(Struct, frozen=True):
    """A venue, asked for by somebody who manages it.

    `VenueService.find_managed` makes it.
    """

    row: VenueRow
    unlimited: bool
    """Whether quotas are nothing to whoever asks."""


class VenueService:
    """Finds, makes and changes venues. Raises `Unavailable`, and `Refusal`.

    `changed` is called when what lists of events show has changed.
    """

    def __init__(
        self, catalog: Catalog, memberships: Memberships, changed: Callable[[], None]
    ) -> None:
        self._catalog = catalog
        self._memberships = memberships
        self._changed = changed

    async def require_maker(self, who: Identity) -> None:
        """Raise `Denied` where somebody may make no venue, for whomever.

        That can be told before it is read what is sent, which is dear.
        """
        leads = who.organizer or await self._memberships.leads_any(who)
        refuse_denied(may_make_some(who, leads))

    async def maker_for(self, who: Identity, organisation: str | None) -> VenueMaker:
        """Return somebody who may make a venue for an organisation, or for none."""
        return VenueMaker(who, await self._memberships.seller_of(who, organisation))

    async def copier_of(
        self, who: Identity, row: VenueRow, organisation: str | None
    ) -> VenueMaker:
        """Return somebody who may copy a venue, for whom it is for where none is named.

        That is its own organisation, where they manage that, else none.
        """
        if organisation is None and row.organisation is not None:
            whose = row.organisation, row.created_by
            if await self._memberships.manages(who, *whose):
                organisation = row.organisation
        return await self.maker_for(who, organisation)

    async def create(
        self, maker: VenueMaker, new: NewVenue, key: str | None, request_hash: bytes
    ) -> VenueRow:
        """Make a venue; the same request again, under its key, finds it."""
        user = maker.who.user
        try:
            row = await self._catalog.create_venue(
                new_id("ven", user, key),
                new.name,
                new.map,
                created_by=user,
                request_hash=request_hash,
                exclusive=new.exclusive,
                organisation=maker.organisation,
                timezone=new.timezone,
                address=new.address,
                coordinates=new.coordinates,
                planners=new.planners,
                unlimited=maker.who.role == "admin",
            )
        except TooMany as error:
            raise too_many(error) from error
        except KeyError as error:
            raise wrong_field("organisation", NO_ORGANISATION) from error
        if row.request_hash != request_hash:
            raise Refusal("key_reused")
        return row

    async def copy(
        self,
        maker: VenueMaker,
        row: VenueRow,
        name: str | None,
        key: str | None,
        request_hash: bytes,
    ) -> VenueRow:
        """Make a venue like another, under another name where one is given."""
        user = maker.who.user
        try:
            made = await self._catalog.copy_venue(
                row.venue_id,
                new_id("ven", user, key),
                name=name,
                created_by=user,
                request_hash=request_hash,
                organisation=maker.organisation,
                unlimited=maker.who.role == "admin",
            )
        except TooMany as error:
            raise too_many(error) from error
        except KeyError as error:
            if error.args[0] == "venue":
                raise Refusal(VENUE_NOT_FOUND) from error
            raise wrong_field("organisation", NO_ORGANISATION) from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return made

    async def find(self, venue: str) -> VenueRow:
        """Return a venue, whoever asks."""
        row = await self._catalog.find_venue(venue)
        if row is None:
            raise Refusal(VENUE_NOT_FOUND)
        return row

    async def find_managed(
        self, who: Identity, venue: str, deleted: bool = False
    ) -> ManagedVenue:
        """Return a venue to somebody who manages it; a deleted one if that is asked."""
        row = await self._catalog.find_made_venue(venue)
        if row is None or (row.deleted and not deleted):
            raise Refusal(VENUE_NOT_FOUND)
        await self._memberships.require_manager(who, row.organisation, row.created_by)
        return ManagedVenue(row, who.role == "admin")

    async def edit(
        self, venue: ManagedVenue, change: VenueChange, seen: Revisions
    ) -> VenueRow:
        """Change a venue, its map only while no event uses it; raises `Stale`, too."""
        row, name = venue.row, venue.row.venue_id
        try:
            if isinstance(change.map, DrawnMap) and not venue.unlimited:
                owner = Owner(row.organisation, row.created_by)
                await self._catalog.usage.check_map(owner, name, change.map.size)
            found = await self._catalog.venues.edit(name, change, seen)
        except VenueInUse as error:
            raise Refusal(VENUE_IN_USE, DRAWN) from error
        except VenueCrowded as error:
            raise Refusal(VENUE_IN_USE, CROWDED) from error
        except TooMany as error:
            raise too_many(error) from error
        after = await self._catalog.find_venue(name) if found else None
        if after is None:
            raise Refusal(VENUE_NOT_FOUND)
        # Lists of events are searched by the names of venues.
        self._changed()
        return after

    async def delete(self, who: Identity, venue: str, seen: Revisions) -> None:
        """Delete a venue that no event uses; raises `Stale`, too."""
        # Found even where it is deleted: the same request again gets the same answer.
        found = await self.find_managed(who, venue, deleted=True)
        try:
            await self._catalog.venues.delete(found.row.venue_id, seen)
        except VenueInUse as error:
            raise Refusal(VENUE_IN_USE, HELD) from error


VENUE_SERVICE: Final = web.AppKey("venue service", VenueService)
