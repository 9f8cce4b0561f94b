"""The routes of analytics."""

from functools import partial
from typing import Final

from server.events.analytics import rest
from server.transport.rest.route import ORGANISATION, Query, Route

TIME: Final = {"type": "string", "format": "date-time"}
SPAN: Final = (
    Query(
        "step",
        {"type": "string", "enum": list(rest.STEPS), "default": "day"},
        "What a point of the trend is: a minute, or a day of UTC.",
    ),
    Query(
        "from",
        TIME,
        "Where the trend begins: at most a day before its end by the minute (an hour "
        "where it is not said), 400 days by the day (30 days).",
    ),
    Query("to", TIME, "Where it ends; now where it is not said."),
)

_show: Final = partial(Route, method="GET", tag="Analytics", cached=True, query=SPAN)

ANALYTICS_ROUTES: Final[tuple[Route, ...]] = (
    _show(
        path="/v1/events/{event}/analytics",
        handler=rest.show_event_analytics,
        name="show_event_analytics",
        summary="Show an event's sales, revenue and trend",
        access="manager",
        scope="analytics:read",
        answers=rest.EventAnalytics,
        problems=("bad_field", "event_not_found", "unavailable"),
    ),
    _show(
        path="/v1/organisations/{organisation}/analytics",
        handler=rest.show_organisation_analytics,
        name="show_organisation_analytics",
        summary="Show an organisation's sales, revenue and trend, and its best events",
        access="leader",
        scope="analytics:read",
        answers=rest.OrganisationAnalytics,
        problems=("bad_field", *ORGANISATION),
    ),
    _show(
        path="/v1/analytics",
        handler=rest.show_dashboard,
        name="show_dashboard",
        summary="Show the numbers of the whole server, and how far they are counted",
        access="admin",
        answers=rest.Dashboard,
        problems=("bad_field", "unavailable"),
    ),
)
