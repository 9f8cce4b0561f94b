"""A further event like one that is there: the same show on another evening."""

from typing import Any, Final

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType, structs

from inventory.faults import Faults
from inventory.rules.settings import FOLLOWING, completing, moved_times
from inventory.settings import Settings
from persistence.errors import TooMany
from persistence.events.venue_times import VenueTaken
from server.events.catalogue.bodies import NewEvent
from server.events.catalogue.checks import refuse_new, taken_by, unknown_times
from server.events.catalogue.problems import VENUE_TAKEN
from server.events.catalogue.rest import (
    answer_made,
    capacity_of,
    find_managed_event,
)
from server.live.actors.registry import CATALOG
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    FORBIDDEN,
    KEY_REUSED,
    LIMIT_REACHED,
    ProblemError,
)
from server.transport.http.response_cache import CACHES
from server.transport.rest.call import Call
from server.transport.rest.fields import Name, Zone
from server.transport.rest.idempotency import hash_request, new_id
from server.transport.rest.route import WRITES, Route
from server.transport.rest.times import Time, maybe_to_ms, to_ms


class EventDuplicate(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be different about the new event; the rest is as it is there.

    Where it begins at another time, the times that are not named move along on the
    clocks of its zone: what was at 10:00 is at 10:00, though summer time ends between.
    """

    name: Name | UnsetType = UNSET
    starts_at: Time | UnsetType = UNSET
    ends_at: Time | UnsetType | None = UNSET
    on_sale_at: Time | UnsetType | None = UNSET
    off_sale_at: Time | UnsetType | None = UNSET
    timezone: Zone | UnsetType = UNSET


async def duplicate_event(call: Call) -> web.Response:
    """Make a draft like an event: its organisation's, or the caller's own."""
    user, key = call.who.user, call.key
    event = await find_managed_event(call)
    body, found = EventDuplicate(), Faults()
    if call.request.body_exists:
        body, found = await call.faulty_body(EventDuplicate)
    catalog = call[CATALOG]
    row = await catalog.find_event(event.id)
    if row is None:
        raise ProblemError(EVENT_NOT_FOUND)
    settings = completing(duplicated(event.board.settings, body))
    venue, copy = event.board.venue, new_id("evt", user, key)
    categories = venue.categories, venue.used_categories
    unknown = unknown_times(found)
    if "starts_at" in unknown:
        # So are those that move along with it.
        following = (field.removesuffix("_ms") for field in FOLLOWING)
        unknown.update(name for name in following if getattr(body, name) is UNSET)
    await refuse_new(call, copy, settings, categories, found, unknown)
    request_hash = hash_request(["duplicate", event.id, body])
    try:
        made = await catalog.create_event(
            copy,
            settings,
            venue=row.venue,
            capacity=capacity_of(row, event.board.settings),
            created_by=user,
            request_hash=request_hash,
            organisation=row.organisation,
            details=row.details,
            image=None if row.image is None else row.image.image,
        )
    except VenueTaken as error:
        raise await taken_by(call, error) from error
    except TooMany as error:
        raise ProblemError(LIMIT_REACHED, limit=error.limit) from error
    except KeyError as error:
        detail = "The event's organisation was deleted meanwhile."
        raise ProblemError(FORBIDDEN, detail) from error
    if made.request_hash != request_hash:
        raise ProblemError(KEY_REUSED)
    plan = await catalog.find_plan(made.event)
    if plan is None:
        raise ProblemError(EVENT_NOT_FOUND)
    call[CACHES].settings_changed()
    # As it was made, also where the request is made again after a while.
    return answer_made(call, made, plan.first_settings)


def duplicated(settings: Settings, body: EventDuplicate) -> Settings:
    """Return the settings of a draft like an event."""
    changes: dict[str, Any] = {
        "sale_state": "draft",
        "deleted": False,
        "capacity": None,
        "revision": 0,
    }
    if body.name is not UNSET:
        changes["name"] = body.name
    if body.timezone is not UNSET:
        changes["timezone"] = body.timezone
    if body.starts_at is not UNSET:
        changes["starts_at_ms"] = to_ms(body.starts_at)
        timezone = changes.get("timezone", settings.timezone)
        changes |= moved_times(settings, changes["starts_at_ms"], timezone, FOLLOWING)
    for field in FOLLOWING:
        given = getattr(body, field.removesuffix("_ms"))
        if given is not UNSET:
            changes[field] = maybe_to_ms(given)
    return structs.replace(settings, **changes)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/events/{event}/duplicate",
        handler=duplicate_event,
        name="duplicate_event",
        summary="Make a draft like this event, perhaps at another time",
        tag="Events",
        access="manager",
        scope="events:write",
        body=EventDuplicate,
        body_required=False,
        answers=NewEvent,
        status=201,
        keyed=True,
        problems=(
            *WRITES,
            EVENT_NOT_FOUND,
            KEY_REUSED,
            LIMIT_REACHED,
            VENUE_TAKEN,
        ),
    ),
)
