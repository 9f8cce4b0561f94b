"""Events are edited, copied and withdrawn, by who saw them as they are.

What an event is set to its actor changes; what the catalogue tells of it is changed
beside the journal. Each counts its own changes, and the event's revision is both added
up: of those who have seen the same revision one edits the event, and the others are
refused. Only where one edits the settings and another the catalogue in the very same
moment both may: neither overwrites what the other has changed.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web
from msgspec import UNSET

from inventory.commands import DeleteEvent
from inventory.faults import Faults
from inventory.ports import Clock
from inventory.rules.settings import FOLLOWING, completing
from inventory.settings import Settings, SettingsPatch
from persistence.errors import Revisions, TooMany
from persistence.events.catalog import Catalog
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal, too_many
from server.events.catalogue.bodies import (
    EventDuplicate,
    EventPatch,
    capacity_of,
    details_change,
    new_faults,
    settings_patch,
)
from server.events.catalogue.checks import (
    refuse_edit,
    refuse_new,
    refuse_place,
    unknown_times,
)
from server.events.catalogue.editing.duplicating import duplicated
from server.events.catalogue.row_cache import EventRows
from server.events.catalogue.service import (
    NO_PROVIDER,
    EventService,
    MadeEvent,
    ManagedEvent,
)
from server.people.organisations.membership import Memberships
from server.transport.rest.idempotency import hash_request, new_id


class EventEditing:
    """Changes events. Raises `Unavailable`, `Stale`, and `Refusal`.

    `changed` is called when what lists show has changed, and each of `withdrawn` when
    an event was deleted.
    """

    def __init__(
        self,
        events: EventService,
        catalog: Catalog,
        rows: EventRows,
        memberships: Memberships,
        clock: Clock,
        *,
        changed: Callable[[], None],
        withdrawn: Sequence[Callable[[str], Awaitable[None]]],
    ) -> None:
        self._events = events
        self._catalog = catalog
        self._rows = rows
        self._memberships = memberships
        self._clock = clock
        self._changed = changed
        self._withdrawn = withdrawn

    async def edit(
        self,
        event: ManagedEvent,
        patch: EventPatch,
        found: Faults,
        key: str | None,
        seen: Revisions,
    ) -> None:
        """Change some of an event's settings, and of what the catalogue tells of it.

        `found` is what is wrong with the patch already.
        """
        wanted, request_hash = settings_patch(patch), hash_request(["edit", patch])
        is_new = not found and await self._is_new(event, key, request_hash)
        drafted = event.board.settings.sale_state == "draft"
        payable = drafted or self._events.takes_payments
        if wanted.payment == "required" and not payable:
            found.add("payment", NO_PROVIDER)
        if not drafted:
            self._refuse_unpayable(event.board.settings, wanted, found)
        refuse_edit(event.board, await self._events.find_row(event.id), wanted, found)
        change, details_seen = details_change(patch), None
        # Without a word about the catalogue it is a command, though it change nothing.
        if change is None or wanted != SettingsPatch():
            if seen is not None:
                details_seen = await self._details_revision(event.id)
                seen = tuple(revision - details_seen for revision in seen)
            await self._events.timing.configure(event, wanted, key, request_hash, seen)
            seen = None
        if change is not None and is_new:
            await self._catalog.details.edit(
                event.id,
                change,
                user=event.who.user,
                key=key,
                request_hash=request_hash,
                seen=seen,
                seen_details=details_seen,
            )
            # In every process.
            self._rows.edited(event.id)
            self._changed()

    def _refuse_unpayable(
        self, settings: Settings, wanted: SettingsPatch, found: Faults
    ) -> None:
        """Add why what is paid first could be paid by nobody at prices that are new."""
        payment = settings.payment if wanted.payment is UNSET else wanted.payment
        if payment != "required":
            return
        prices = {} if wanted.prices is UNSET else wanted.prices
        if wanted.payment is not UNSET:
            prices = {**settings.prices, **prices}
        types = {} if wanted.types is UNSET else wanted.types
        why = self._events.unpayable(one for one in prices.values() if one is not None)
        if why is not None:
            found.add("prices", why)
        why = self._events.unpayable(
            price
            for one in types.values()
            if one is not None
            for price in one.prices.values()
        )
        if why is not None:
            found.add("types", why)

    async def withdraw(
        self, who: Identity, event: str, key: str | None, seen: Revisions
    ) -> None:
        """Withdraw an event that nobody has booked."""
        # Found even where it is deleted: the same request again gets the same answer.
        found = await self._events.find_managed(who, event, deleted=True)
        if seen is not None:
            details = await self._details_revision(event)
            seen = tuple(revision - details for revision in seen)
        command = DeleteEvent(id=0, event=event, seen=seen)
        await self._events.order(found, command, key)
        for forget in self._withdrawn:
            await forget(event)
        self._rows.edited(event)

    async def duplicate(
        self, event: ManagedEvent, body: EventDuplicate, found: Faults, key: str | None
    ) -> MadeEvent:
        """Make a draft like an event: its organisation's, or that of who asks.

        `found` is what is wrong with the body already.
        """
        who, catalog = event.who, self._catalog
        row = await catalog.find_event(event.id)
        if row is None:
            raise Refusal("event_not_found")
        settings = completing(duplicated(event.board.settings, body))
        venue, copy = event.board.venue, new_id("evt", who.user, key)
        unknown = unknown_times(found)
        if "starts_at" in unknown:
            # So are those that move along with it.
            following = (field.removesuffix("_ms") for field in FOLLOWING)
            unknown.update(name for name in following if getattr(body, name) is UNSET)
        categories, now_ms = (
            (venue.categories, venue.used_categories),
            self._clock.now_ms(),
        )
        wrong = new_faults(settings, *categories, now_ms, unknown)
        await refuse_new(catalog, copy, wrong, found, keyed=key is not None)
        place = copy, row.venue, row.organisation
        await refuse_place(catalog, self._memberships, who, key, *place)
        request_hash = hash_request(["duplicate", event.id, body])
        try:
            made = await catalog.create_event(
                copy,
                settings,
                venue=row.venue,
                capacity=capacity_of(row, event.board.settings),
                created_by=who.user,
                request_hash=request_hash,
                organisation=row.organisation,
                details=row.details,
                image=None if row.image is None else row.image.image,
                unlimited=who.role == "admin",
            )
        except TooMany as error:
            raise too_many(error) from error
        except KeyError as error:
            detail = "The event's organisation was deleted meanwhile."
            raise Refusal("forbidden", detail) from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        plan = await catalog.find_plan(made.event, drawn=False)
        if plan is None:
            raise Refusal("event_not_found")
        self._changed()
        # As it was made, also where the request is made again after a while.
        return MadeEvent(made, plan.first_settings)

    async def _details_revision(self, event: str) -> int:
        """Return the revision of what the catalogue tells, as it is now.

        The settings, whose actor knows only its own, are edited by who saw all the
        rest.
        """
        row = await self._catalog.find_event(event)
        if row is None:
            raise Refusal("event_not_found")
        return row.details_revision

    async def _is_new(
        self, event: ManagedEvent, key: str | None, request_hash: bytes
    ) -> bool:
        """Return whether an edit was not made before, under its key."""
        if key is None:
            return True
        known = await self._catalog.details.find_key(event.id, event.who.user, key)
        if known is not None and known.request_hash != request_hash:
            raise Refusal("key_reused")
        # Where only the actor knows the key, the other half was not reached then.
        return known is None or not known.made


EVENT_EDITING: Final = web.AppKey("event editing", EventEditing)
