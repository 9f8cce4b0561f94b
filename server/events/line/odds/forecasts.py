"""Forecasts of the lines of this process, made while somebody waits, told everywhere.

Concurrency: one task. Every two seconds it goes over the lines that somebody asked of
lately, for two milliseconds at a time, and lets everyone else go on between.

Invariants: what is told is no older than half a minute; a line whose event is not ours
is told of by its owner, over the bus.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import msgspec
import structlog
from aiohttp import web

from inventory.ports import Clock
from persistence.errors import Unavailable
from server.events.line.odds.forecast import Forecast
from server.events.line.odds.making import ForecastMaking
from server.events.line.odds.watching import Expected, Seen, habits_of
from server.events.line.pace.conductor import Conductors
from server.events.line.waiters.leading import LineLeading
from server.live.actors.registry import LocalEvent
from server.transport.bus.bus import Bus

ODDS_TOPIC: Final = "line odds"
MADE_S: Final = 2.0
SLICE_S: Final = 0.002
STALE_S: Final = 30.0
KEPT_MAX: Final = 1_000
LEARNT_S: Final = 60.0
"""How long it is believed that nothing was rehearsed."""

log = structlog.get_logger()
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Forecast).decode

Learn = Callable[[str], Awaitable[str | None]]
"""Finds what was rehearsed of an event, as JSON of `Expected`."""

_decode_learnt: Final = msgspec.json.Decoder(Expected).decode


class Forecasts:
    """What is expected of lines; `learn` finds what was rehearsed of an event."""

    def __init__(
        self,
        leading: LineLeading,
        conductors: Conductors,
        bus: Bus,
        clock: Clock,
        learn: Learn,
    ) -> None:
        self._leading = leading
        self._conductors = conductors
        self._bus = bus
        self._clock = clock
        self._learn = learn
        self._kept: dict[str, tuple[float, Forecast]] = {}
        self._learnt: dict[str, tuple[float, Expected | None]] = {}
        bus.subscribe(ODDS_TOPIC, self._hear, lambda: None)

    def of(self, event: str) -> Forecast | None:
        """Return what is expected of a line; None where nobody looked lately."""
        kept = self._kept.get(event)
        if kept is None or self._clock.monotonic() - kept[0] > STALE_S:
            return None
        return kept[1]

    async def run(self) -> None:
        """Make forecasts of the lines that somebody asks of, again and again."""
        while True:
            await asyncio.sleep(MADE_S)
            await self.turn()

    async def turn(self) -> None:
        """Make one forecast of each line of ours that somebody asks of."""
        for event, led in self._leading.asked():
            try:
                forecast = await self._make(event, led)
            except Unavailable as error:
                log.warning("no forecast of a line", event_id=event, reason=str(error))
                continue
            if forecast is not None:
                self._keep(forecast)
                self._bus.publish(ODDS_TOPIC, _encode(forecast))

    async def _make(self, event: str, local: LocalEvent) -> Forecast | None:
        expected = await self._expected(event)
        actor = local.actor
        stock = actor.stock
        if stock is None or stock.line is None or stock.line.drawn is None:
            return None
        line = stock.line
        habits = habits_of(stock, line, self._seen(event), expected)
        making = ForecastMaking(
            stock, line, local.board.epoch, actor.clock.now_ms(), habits
        )
        begun = monotonic()
        for _ in making.steps():
            if monotonic() - begun > SLICE_S:
                await asyncio.sleep(0)
                begun = monotonic()
        return making.forecast()

    def _seen(self, event: str) -> Seen | None:
        conductor = self._conductors.leading.get(event)
        if conductor is None or conductor.averages is None:
            return None
        rate = conductor.rate
        return Seen(
            conductor.averages,
            conductor.watch.still(monotonic()),
            None if rate is None else rate.r,
        )

    async def _expected(self, event: str) -> Expected | None:
        now = self._clock.monotonic()
        known = self._learnt.get(event)
        if known is None or now - known[0] > LEARNT_S:
            if len(self._learnt) >= KEPT_MAX:
                self._learnt.clear()
            text = await self._learn(event)
            learnt = None if text is None else _decode_learnt(text)
            known = self._learnt[event] = now, learnt
        return known[1]

    def _hear(self, data: bytes) -> None:
        try:
            forecast = _decode(data)
        except msgspec.DecodeError as error:
            log.info("a forecast cannot be read", error=str(error))
            return
        known = self._kept.get(forecast.event)
        if known is None or _age_of(known[1]) < _age_of(forecast):
            self._keep(forecast)

    def _keep(self, forecast: Forecast) -> None:
        if forecast.event not in self._kept and len(self._kept) >= KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[forecast.event] = self._clock.monotonic(), forecast


def _age_of(forecast: Forecast) -> tuple[int, int, int]:
    return forecast.epoch, forecast.version, forecast.at_ms


FORECASTS: Final = web.AppKey("line forecasts", Forecasts)
