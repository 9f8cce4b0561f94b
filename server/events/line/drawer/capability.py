"""Draws of lines: run beside the owners of events, shown to anybody who checks them."""

from typing import Final

from persistence.events.line.lines import Lines
from persistence.events.line.lists import Lists
from server.events.audit.receipts import RECEIPT_SIGNER
from server.events.catalogue.service import EVENT_SERVICE
from server.events.line.beacon.beacons import BEACONS
from server.events.line.drawer.drawer import Drawer
from server.events.line.drawer.drawers import DRAWERS, Drawers
from server.events.line.drawer.metrics import DrawMetrics
from server.events.line.drawer.service import DRAW_SERVICE, DrawService
from server.events.line.drawer.telling import (
    DRAW_TELLING,
    DrawTelling,
    LineDrawn,
    LineFixed,
)
from server.events.line.drawing.drawing import Drawing
from server.events.line.opening import LINE_OPENING
from server.events.line.service_control import LINE_CONTROL
from server.events.line.transcript.journal import JournalPages
from server.events.line.transcript.service import TRANSCRIPTS, Transcripts
from server.events.line.waiters.waiters import WAITERS
from server.events.line.wire import rest_draw
from server.live.actors.registry import JOURNAL, REGISTRY
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS

ADOPT_S: Final = 5.0


async def _open(startup: Startup) -> None:
    events, clock = startup[EVENT_SERVICE], startup.clock
    key, bus, registry = startup[RECEIPT_SIGNER], startup[BUS], startup[REGISTRY]
    lines, lists = Lines(startup.pool), Lists(startup.pool)
    journal = JournalPages(startup[JOURNAL])
    startup[DRAW_TELLING] = telling = DrawTelling(bus, startup[WAITERS], lists)
    opening = startup[LINE_OPENING]
    drawer = Drawer(
        lines,
        lists,
        opening,
        startup[BEACONS],
        Drawing(),
        journal,
        key,
        clock,
        telling.tell,
    )
    startup[DRAWERS] = drawers = Drawers(drawer, lists, registry, bus, clock)
    startup[TRANSCRIPTS] = Transcripts(events, lines, lists, journal, key)
    startup[DRAW_SERVICE] = DrawService(
        events, startup[LINE_CONTROL], opening, lines, lists, clock, drawers.ask
    )
    startup.run(drawers.run(startup.job("draws")), "draws")
    startup[JOBS].every("draws that nobody runs", ADOPT_S, drawers.adopt)
    startup.on_stop(telling.close)
    startup.on_stop(drawers.close)
    startup.metrics.registry.register(DrawMetrics(drawer))
    startup.metrics.counter(
        "onsale_line_draws_total",
        "Draws of lines that this process brought to their end.",
        lambda: drawers.drawn,
    )


DRAWS: Final = Capability(
    name="draws",
    open=_open,
    routes=rest_draw.ROUTES,
    tells=(LineFixed, LineDrawn),
    examples=rest_draw.EXAMPLES,
)
