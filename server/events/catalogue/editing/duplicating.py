"""What a new event that is like another one is set to: pure."""

from typing import Any

from msgspec import UNSET, structs

from inventory.rules.settings import FOLLOWING, moved_times
from inventory.settings import Settings
from server.events.catalogue.bodies import EventDuplicate
from server.transport.rest.times import maybe_to_ms, to_ms


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
