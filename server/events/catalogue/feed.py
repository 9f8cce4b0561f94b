"""What is told of live events, and where that comes from: the list's own documents."""

from typing import Any, Final

import msgspec
from msgspec import Struct, defstruct, structs

from server.base.context import Context
from server.events.catalogue.bodies import EventSummary
from server.events.catalogue.rest import summary_of
from server.live.actors.registry import LocalEvent
from server.live.fanout.event_feed import Describe
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


def connect_live_events(context: Context, bus: Bus) -> None:
    """Let what becomes of events be told to those who listen, here and elsewhere."""
    live, shards = context.hub.live, context.shards

    def owns(event: str) -> bool:
        return isinstance(shards.active.get(event), LocalEvent)

    def organisation_of(event: str) -> str | None:
        served = shards.active.get(event)
        if served is None or served.seller is None:
            return None
        return served.seller.organisation

    def edited(event: str) -> None:
        if event in context.hub.events:
            live.edited(context.hub.events[event])

    live.owns = owns
    live.organisation_of = organisation_of
    live.describe = describer(context)
    context.rows.on_edit = edited
    live.connect(bus, context.members.me)


def describer(context: Context) -> Describe:
    """Return what shows an event as the list does, but for its id."""

    async def describe(event: str) -> dict[str, Any] | None:
        row = await context.rows.find(event)
        hub = context.hub.events.get(event)
        if row is None or hub is None:
            return None
        shown: dict[str, Any] = msgspec.to_builtins(summary_of(row, hub.board.settings))
        del shown["id"]
        return shown

    return describe
