"""What is told of live events, and where that comes from: the list's own documents."""

from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import Struct, defstruct, structs

from server.events.catalogue.bodies import EventSummary
from server.events.catalogue.rest import summary_of
from server.events.catalogue.row_cache import ROWS
from server.live.actors.registry import REGISTRY, LocalEvent
from server.live.cluster.membership.members import MEMBERS
from server.live.fanout.event_feed import Describe
from server.live.fanout.hub import HUB
from server.transport.bus.bus import Bus


def _frame_of_summary(name: str, op: str, meaning: str) -> type[Struct]:
    """Return the type of a frame that shows an event as the list does."""
    fields = [
        (field.name, field.type)
        for field in structs.fields(EventSummary)
        if field.name != "id"
    ]
    return defstruct(
        name,
        [("event", str), *fields],
        tag_field="op",
        tag=op,
        kw_only=True,
        namespace={"__doc__": meaning},
    )


EventAppeared: Final = _frame_of_summary(
    "EventAppeared",
    "new_event",
    "An event was published: what the list shows of it, its id as `event`.",
)
EventUpdated: Final = _frame_of_summary(
    "EventUpdated",
    "event_updated",
    "An event was changed, its sale state included: what the list shows of it now.",
)


class EventWithdrawn(Struct, tag_field="op", tag="event_deleted"):
    """An event that was published is not there any more."""

    event: str


def connect_live_events(app: web.Application, bus: Bus) -> None:
    """Let what becomes of events be told to those who listen."""
    live, registry = app[HUB].feed, app[REGISTRY]

    def owns(event: str) -> bool:
        return isinstance(registry.active.get(event), LocalEvent)

    def organisation_of(event: str) -> str | None:
        served = registry.active.get(event)
        if served is None or served.seller is None:
            return None
        return served.seller.organisation

    def edited(event: str) -> None:
        if event in app[HUB].events:
            live.edited(app[HUB].events[event])

    live.owns = owns
    live.organisation_of = organisation_of
    live.describe = describer(app)
    app[ROWS].on_edit = edited
    live.connect(bus, app[MEMBERS].me)


def describer(app: web.Application) -> Describe:
    """Return what shows an event as the list does, but for its id."""

    async def describe(event: str) -> dict[str, Any] | None:
        row = await app[ROWS].find(event)
        hub = app[HUB].events.get(event)
        if row is None or hub is None:
            return None
        shown: dict[str, Any] = msgspec.to_builtins(summary_of(row, hub.board.settings))
        del shown["id"]
        return shown

    return describe
