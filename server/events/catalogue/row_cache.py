"""What the database knows of an event beside its board, kept for a few seconds.

Purpose: an event is read by everybody, and its row hardly ever changes: only when
somebody edits what the catalogue tells of it.

Invariants: who edits a row here is told of it with the next read here. Other processes
hear of it over the bus, which may lose it: so no row is believed for longer than
`ROW_S_MAX`. A row that was on its way while it was edited is not kept.
"""

import asyncio
from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from persistence.events.catalog import Catalog
    from persistence.events.rows import EventRow
    from server.transport.bus.bus import Bus

TOPIC: Final = "event rows"
ROW_S_MAX: Final = 3.0
ROWS_MAX: Final = 4_096

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(str).decode


class EventRows:
    """The rows of events that were asked for lately."""

    def __init__(self, catalog: "Catalog", now: Callable[[], float]) -> None:
        self._catalog = catalog
        self._now = now
        self._known: dict[str, tuple[EventRow, Hashable, float]] = {}
        self._loading: dict[str, asyncio.Task[EventRow | None]] = {}
        self._edits = 0
        self.tell: Callable[[str], None] = _nobody
        """Tells the other processes that a row was edited."""
        self.on_edit: Callable[[str], None] = _nobody
        """Called where a row was edited here."""

    async def find(self, event: str) -> "EventRow | None":
        """Return an event's row; raises `Unavailable`."""
        known = self._known.get(event)
        if known is not None and self._now() < known[2]:
            return known[0]
        # All who ask at the same time wait for one answer.
        task = self._loading.get(event)
        if task is None:
            task = asyncio.create_task(self._load(event), name=f"row {event}")
            self._loading[event] = task
            task.add_done_callback(partial(self._loaded, event))
        return await asyncio.shield(task)

    def keeps(self, event: str) -> bool:
        """Return whether the next `find` may be of what was read before it."""
        known = self._known.get(event)
        return event in self._loading or (known is not None and self._now() < known[2])

    async def find_anew(self, event: str) -> "EventRow | None":
        """Return an event's row as it is committed now; raises `Unavailable`."""
        return await self._load(event)

    async def _load(self, event: str) -> "EventRow | None":
        known, edits = self._known.get(event), self._edits
        row = await self._catalog.find_event(event)
        if row is None or edits != self._edits:
            return row
        shown: Hashable = (row.details, row.image, row.details_revision)
        if known is not None and known[1] == shown:
            # The same object as before is compared at once.
            shown = known[1]
        if event not in self._known and len(self._known) >= ROWS_MAX:
            del self._known[next(iter(self._known))]
        self._known[event] = (row, shown, self._now() + ROW_S_MAX)
        return row

    def _loaded(self, event: str, task: "asyncio.Task[EventRow | None]") -> None:
        if self._loading.get(event) is task:
            del self._loading[event]
        if not task.cancelled():
            # Looked at here, because all who asked may be gone by now.
            task.exception()

    def stamp(self, event: str) -> Hashable:
        """Return what an answer made from the known row is good for.

        Where none is known, it is good for nothing that comes later.
        """
        known = self._known.get(event)
        if known is None or self._now() >= known[2]:
            return object()
        return known[1]

    def edited(self, event: str) -> None:
        """Forget a row that was edited here; tell of it."""
        self._forget(event)
        self.tell(event)
        self.on_edit(event)

    def connect(self, bus: "Bus") -> None:
        """Let the processes hear from each other what was edited."""

        def tell(event: str) -> None:
            bus.publish(TOPIC, _encode(event))

        def hear(data: bytes) -> None:
            try:
                self._forget(_decode(data))
            except msgspec.DecodeError:
                # Of another version, which means some row.
                self._forget_all()

        self.tell = tell
        bus.subscribe(TOPIC, hear, self._forget_all)

    def _forget(self, event: str) -> None:
        self._edits += 1
        self._known.pop(event, None)
        # What was read before is not for who asks now.
        self._loading.pop(event, None)

    def _forget_all(self) -> None:
        self._edits += 1
        self._known.clear()
        self._loading.clear()


def _nobody(event: str) -> None:
    """Alone, there is nobody to tell."""


ROWS: Final = web.AppKey("event rows", EventRows)
