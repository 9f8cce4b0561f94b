"""An event as it sells, for those who run it."""

from datetime import datetime
from typing import Final

from aiohttp import web
from msgspec import Struct

from server.events.catalogue.bodies import Counts
from server.events.cockpit.forecast import Forecast
from server.events.cockpit.sampler import MS
from server.events.cockpit.seconds import KEPT_S, Second
from server.events.cockpit.service import LiveService
from server.transport.http.problems import BAD_FIELD, EVENT_NOT_FOUND, UNAVAILABLE
from server.transport.rest.call import Call
from server.transport.rest.paging import read_number
from server.transport.rest.route import Query, Route
from server.transport.rest.times import from_ms

TAG: Final = "Analytics"
LIVE: Final = web.AppKey("live", LiveService)


class ForecastDocument(Struct):
    """When it is sold out at the pace of the last minute, and the range of that.

    The range is what the paces of the last minute and of the last five say.
    """

    at: datetime
    soonest: datetime
    latest: datetime
    per_min: float
    """Places booked a minute, over the last one."""


class LiveOwner(Struct):
    """The process that owns the event, and in which epoch."""

    process: str
    epoch: int


class LiveDocument(Struct):
    """An event as it is just now, and in the seconds since `after`.

    A second in which nothing changed is left out: all stood as in the one before. What
    ends in `_total` grows while one process owns the event, and begins anew with the
    next. `forecast` is null where nothing is sold, or too little is known.
    """

    event: str
    status: str
    counts: Counts
    owner: LiveOwner
    forecast: ForecastDocument | None
    seconds: list[Second]


async def show_event_live(call: Call) -> web.Response:
    """Show whoever runs an event what happens there by the second."""
    event = call.path("event", EVENT_NOT_FOUND)
    after = read_number("after", call.request.query.get("after", "0"))
    live = await call[LIVE].show(call.who, event, after)
    board, forecast = live.served.board, live.forecast
    return call.read(
        LiveDocument(
            event=event,
            status=board.settings.sale_state,
            counts=Counts(**board.counts()),
            owner=LiveOwner(live.owner, board.epoch),
            forecast=None if forecast is None else _document(forecast),
            seconds=live.seconds,
        )
    )


def _document(forecast: Forecast) -> ForecastDocument:
    return ForecastDocument(
        at=from_ms(forecast.at * MS),
        soonest=from_ms(forecast.soonest * MS),
        latest=from_ms(forecast.latest * MS),
        per_min=forecast.per_min,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/events/{event}/live",
        handler=show_event_live,
        name="show_event_live",
        summary="Show an event's last ten minutes by the second, and a forecast",
        tag=TAG,
        access="manager",
        scope="analytics:read",
        answers=LiveDocument,
        cached=True,
        query=(
            Query(
                "after",
                {"type": "integer", "minimum": 0, "default": 0},
                f"Only later seconds, by Unix time; {KEPT_S} are kept.",
            ),
        ),
        problems=(BAD_FIELD, EVENT_NOT_FOUND, UNAVAILABLE),
    ),
)
