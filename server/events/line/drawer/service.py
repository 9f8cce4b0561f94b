"""What anybody may check of a draw, and what those who manage an event do about it."""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from inventory.line import draw
from inventory.line.draw import HASH_BYTES, BucketProof, proof_of
from inventory.ports import Clock
from persistence.events.line.lines import Lines
from persistence.events.line.lists import RANK_BYTES, ListRow, Lists
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal
from server.events.catalogue.service import EventService, ManagedEvent
from server.events.line.opening import LineOpening
from server.events.line.service_control import LineControl, ShownLine
from server.events.line.wire.problems import DRAW_NOT_FOUND


class DrawService:
    """Proves lists, hastens draws, and begins them anew.

    Raises `Unavailable`, and `Refusal`. `ask` has the draw of an event looked at, in
    whichever process.
    """

    def __init__(
        self,
        events: EventService,
        control: LineControl,
        opening: LineOpening,
        lines: Lines,
        lists: Lists,
        clock: Clock,
        ask: Callable[[str], None],
    ) -> None:
        self._events = events
        self._control = control
        self._opening = opening
        self._lines = lines
        self._lists = lists
        self._clock = clock
        self._ask = ask

    async def entrants(
        self, who: Identity | None, event: str, bucket: int, number: int | None
    ) -> BucketProof:
        """Return a bucket of a list that was told, with its proof."""
        await self._events.find(who, event)
        row = await self._told(event, number)
        found = await self._lists.bucket(row, bucket)
        assert row.entries is not None
        hashes = [
            found.hashes[at : at + HASH_BYTES]
            for at in range(0, len(found.hashes), HASH_BYTES)
        ]
        return proof_of(
            event=event,
            draw=row.draw,
            entries=row.entries,
            hashes=hashes,
            bucket=bucket,
            stubs=found.stubs,
            ranks=None if found.ranks is None else _ranks_of(found.ranks),
        )

    async def hasten(self, who: Identity, event: str) -> ShownLine:
        """Have a draw go on at once that waits, after its list is closed."""
        await self._events.find_managed(who, event)
        row = await self._lines.find(event)
        if row is None or row.phase == "opening":
            raise Refusal("line_not_open")
        closes_at_ms = draw.rules_of(row.rules.encode()).closes_at_ms
        if closes_at_ms is None:
            raise Refusal("wrong_state", "Nothing is drawn in this line.")
        if self._clock.now_ms() < closes_at_ms:
            raise Refusal("wrong_state", "Its list closes when it was promised.")
        if row.order_key is None:
            self._ask(event)
        return await self._control.show(who, event)

    async def restart(self, event: ManagedEvent, number: int | None) -> ShownLine:
        """Give a draw up for another one; one that was given up stays so.

        `number` names it; without it, it is the one that is open.
        """
        row = await self._lines.find(event.id)
        if row is None or row.phase == "opening":
            raise Refusal("line_not_open")
        if number is None or number == row.draw:
            await self._opening.restart(event)
        elif number != row.draw - 1:
            raise Refusal("wrong_state", f"Draw {row.draw} is open.")
        return await self._control.show(event.who, event.id)

    async def _told(self, event: str, number: int | None) -> ListRow:
        if number is None:
            row = await self._lists.newest(event)
        else:
            row = await self._lists.find(event, number)
        if row is None or row.statement is None:
            raise Refusal(DRAW_NOT_FOUND)
        return row


def _ranks_of(packed: bytes) -> list[int]:
    return [
        int.from_bytes(packed[at : at + RANK_BYTES], "big")
        for at in range(0, len(packed), RANK_BYTES)
    ]


DRAW_SERVICE: Final = web.AppKey("draw service", DrawService)
