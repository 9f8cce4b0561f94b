"""Has the places left of people whose account was deleted.

A row that nobody took yet is left as it is; the event is told of the others, as if its
user had left: what a turn held goes to the next. Done again it is the same.
"""

from typing import Final

import structlog

from inventory.commands import LeaveLine
from inventory.replies import Refused
from persistence.events.line.entries import Entries, LeavingPlace
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    ask,
)

GONE: Final = frozenset({"place_not_found", "line_not_open"})
"""What an event says of a place that is none of anybody's."""

log = structlog.get_logger()


class Leaving:
    """Leaves places for those who cannot. Raises `Unavailable`."""

    def __init__(self, entries: Entries, registry: EventRegistry) -> None:
        self._entries = entries
        self._registry = registry

    async def look(self) -> None:
        """Leave all places that are to be left; those that are about to be fed, later.

        In one process of all at a time.
        """
        for place in await self._entries.leaving():
            held = await self._entries.leave(place.event_id, place.user_id)
            if held == "event" and place.rank is not None:
                await self._tell(place, place.rank)

    async def _tell(self, place: LeavingPlace, rank: int) -> None:
        """Have the event know it, and then the row."""
        event = place.event_id
        try:
            served = await self._registry.find(event)
        except EventUnavailable:
            return
        except EventNotFound:
            await self._entries.note_left(event, place.entry_id)
            return
        command = LeaveLine(id=0, event=event, rank=rank)
        reply = await ask(served, command, place.user_id, False, None)
        if not isinstance(reply, Refused) or reply.code in GONE:
            await self._entries.note_left(event, place.entry_id)
        elif reply.code != "turn_over":
            # Of a turn that is over the follower tells the row.
            log.warning("a place is not left", event_id=event, code=reply.code)
