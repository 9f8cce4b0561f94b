"""A further event like one that is there: the same show on another evening."""

from typing import Any, Final

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType, structs

from inventory.rules.settings import completing
from inventory.settings import Settings
from persistence.errors import TooMany
from persistence.events.venue_times import VenueTaken
from server.events.catalogue.bodies import NewEvent
from server.events.catalogue.problems import VENUE_TAKEN
from server.events.catalogue.rest import (
    answer_made,
    capacity_of,
    find_managed_event,
    refuse_new,
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
from server.transport.rest.fields import Name
from server.transport.rest.idempotency import hash_request, new_id
from server.transport.rest.route import WRITES, Route
from server.transport.rest.times import Time, maybe_to_ms, to_ms

FOLLOWING: Final = ("ends_at", "on_sale_at", "off_sale_at")
"""Times that move along with the beginning."""


class EventDuplicate(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be different about the new event; the rest is as it is there.

    Where it begins at another time, the times that are not named move along.
    """

    name: Name | UnsetType = UNSET
    starts_at: Time | UnsetType = UNSET
    ends_at: Time | UnsetType | None = UNSET
    on_sale_at: Time | UnsetType | None = UNSET
    off_sale_at: Time | UnsetType | None = UNSET


async def duplicate_event(call: Call) -> web.Response:
    """Make a draft like an event: its organisation's, or the caller's own."""
    user, key = call.who.user, call.key
    event = await find_managed_event(call)
    body = EventDuplicate()
    if call.request.body_exists:
        body = await call.body(EventDuplicate)
    catalog = call[CATALOG]
    row = await catalog.find_event(event.id)
    if row is None:
        raise ProblemError(EVENT_NOT_FOUND)
    settings = completing(duplicated(event.board.settings, body))
    venue, copy = event.board.venue, new_id("evt", user, key)
    await refuse_new(call, copy, settings, venue.categories, venue.used_categories)
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
        raise ProblemError(VENUE_TAKEN) from error
    except TooMany as error:
        raise ProblemError(LIMIT_REACHED) from error
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
    moved_ms = 0
    changes: dict[str, Any] = {
        "sale_state": "draft",
        "deleted": False,
        "capacity": None,
    }
    if body.name is not UNSET:
        changes["name"] = body.name
    if body.starts_at is not UNSET:
        changes["starts_at_ms"] = to_ms(body.starts_at)
        moved_ms = changes["starts_at_ms"] - settings.starts_at_ms
    for field in FOLLOWING:
        given, now_ms = getattr(body, field), getattr(settings, f"{field}_ms")
        if given is not UNSET:
            changes[f"{field}_ms"] = maybe_to_ms(given)
        elif now_ms is not None:
            changes[f"{field}_ms"] = now_ms + moved_ms
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
