"""Numbers for who runs an event or an organisation, and for administrators.

They come from roll-up tables that a job fills beside the sale; `as_of` says up to when
everything is counted.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from aiohttp import web
from msgspec import Struct

from inventory.settings import Sum
from inventory.zones import (
    YEARS,
    ZONE_LENGTH_MAX,
    ZONE_PATTERN,
    days_between,
    is_kept,
    zone_of,
)
from persistence.analytics.analytics import (
    EVERYTHING,
    Analytics,
    Point,
    Ranked,
    Scope,
    Step,
    Takings,
    Totals,
    of_organisation,
    one_event,
)
from server.events.analytics.job import ROLLUP_JOB
from server.events.catalogue.service import EVENT_SERVICE
from server.people.organisations.membership import MEMBERSHIPS
from server.people.organisations.rows import ORGANISATION, require_membership
from server.transport.http.problems import (
    BAD_FIELD,
    EVENT_NOT_FOUND,
    UNAVAILABLE,
    bad_field,
)
from server.transport.rest.call import Call
from server.transport.rest.fields import check_zone
from server.transport.rest.query import choice_of, time_of
from server.transport.rest.route import Query, Route
from server.transport.rest.times import to_ms

STEPS: Final = ("minute", "day")
SPANS_MAX: Final = {"minute": timedelta(days=1), "day": timedelta(days=400)}
UTC_NAME: Final = "UTC"
SPANS: Final = {"minute": timedelta(hours=1), "day": timedelta(days=30)}
"""How long a trend is where nobody says from when on."""


class CountsDocument(Struct, kw_only=True):
    """What happened: `revenue` is what was booked, before what was `refunded`.

    Both are by the event's prices. `paid` is what buyers paid for their orders when
    these were confirmed: less discounts, with fees and added tax. `returned` is what of
    that has gone back, counted when it was asked to, and `net` the difference;
    `discounts` is what codes took off.
    """

    holds: int
    bookings: int
    cancellations: int
    expired: int
    released: int
    seats_booked: int
    seats_cancelled: int
    revenue: list[Sum]
    refunded: list[Sum]
    paid: list[Sum]
    returned: list[Sum]
    net: list[Sum]
    discounts: list[Sum]


class PointDocument(CountsDocument, kw_only=True):
    """What happened in the minute, or the day in `tz`, that begins at `at`."""

    at: datetime


class EngagementDocument(Struct):
    """How many users held something, booked, and booked more than once."""

    interested: int
    buyers: int
    returning_buyers: int


class AnalyticsDocument(
    CountsDocument, kw_only=True, rename={"begin": "from", "end": "to"}
):
    """Totals since the beginning, and a trend without what has nothing to tell.

    `sold` is what is booked now, `utilisation` its share of the capacity, `conversion`
    the share of holds that became bookings; both are null where there is nothing to
    divide by. `engagement` counts a user once for each event.
    """

    as_of: datetime
    capacity: int
    sold: int
    utilisation: float | None
    conversion: float | None
    engagement: EngagementDocument
    step: Step
    tz: str
    """The IANA zone in whose days the trend is."""
    begin: datetime
    end: datetime
    trend: list[PointDocument]


class EventAnalytics(AnalyticsDocument, kw_only=True):
    """The numbers of one event."""

    event: str


class RankedDocument(Struct):
    """An event of a ranking, by what it sold."""

    event: str
    name: str
    status: str
    starts_at: datetime
    organisation: str | None
    capacity: int
    sold: int
    bookings: int
    utilisation: float | None


class OrganisationAnalytics(AnalyticsDocument, kw_only=True):
    """The numbers of an organisation, and its ten events that sold most."""

    organisation: str
    events: int
    ranking: list[RankedDocument]


class JobDocument(Struct):
    """What the job that counts has before it, as this process saw it last."""

    events_behind: int
    versions_behind: int
    lag_s: float


class Dashboard(AnalyticsDocument, kw_only=True):
    """The numbers of the whole server."""

    events: int
    events_by_status: dict[str, int]
    accounts: int
    organisations: int
    ranking: list[RankedDocument]
    job: JobDocument


async def show_event_analytics(call: Call) -> web.Response:
    """Show the numbers of an event to whoever manages it."""
    event = call.path("event", EVENT_NOT_FOUND)
    row = await call[EVENT_SERVICE].find_shown_row(call.identity, event)
    await call[MEMBERSHIPS].require_manager(
        call.identity, row.organisation, row.created_by
    )
    fields = await _numbers(call, one_event(event), row.settings.timezone)
    return call.read(EventAnalytics(event=event, **fields))


async def show_organisation_analytics(call: Call) -> web.Response:
    """Show the numbers of an organisation to those who lead it."""
    membership = await require_membership(call, "leader")
    organisation = membership.id
    scope, zone = of_organisation(organisation), membership.organisation.timezone
    totals, fields = await _totals(call, scope, zone or UTC_NAME)
    document = OrganisationAnalytics(
        organisation=organisation,
        events=totals.events,
        ranking=await _ranking(call, scope),
        **fields,
    )
    return call.read(document)


ANALYTICS: Final = web.AppKey("analytics", Analytics)


async def show_dashboard(call: Call) -> web.Response:
    """Show the numbers of the whole server."""
    analytics, behind = call[ANALYTICS], call[ROLLUP_JOB].behind
    totals, fields = await _totals(call, EVERYTHING, UTC_NAME)
    accounts, organisations = await analytics.people()
    document = Dashboard(
        events=totals.events,
        events_by_status=await analytics.states(),
        accounts=accounts,
        organisations=organisations,
        ranking=await _ranking(call, EVERYTHING),
        job=JobDocument(
            behind.events_behind, behind.versions_behind, round(behind.lag_s, 3)
        ),
        **fields,
    )
    return call.read(document)


async def _numbers(call: Call, scope: Scope, zone: str) -> dict[str, Any]:
    return (await _totals(call, scope, zone))[1]


async def _totals(call: Call, scope: Scope, zone: str) -> tuple[Totals, dict[str, Any]]:
    """Return the numbers, and those of the trend in days of this zone or of another."""
    step, begin, end = read_span(call.request.query)
    tz = read_zone(call.request.query) or zone
    analytics = call[ANALYTICS]
    totals = await analytics.totals(scope)
    if step == "day" and tz != UTC_NAME:
        days = days_between(begin, end, zone_of(tz))
        trend = await analytics.days(scope, days)
    else:
        trend = await analytics.trend(scope, step, begin, end)
    sold = totals.seats_booked - totals.seats_cancelled
    return totals, {
        **_counts(totals),
        "as_of": totals.as_of,
        "capacity": totals.capacity,
        "sold": sold,
        "utilisation": _share(sold, totals.capacity),
        "conversion": _share(totals.bookings, totals.holds),
        "engagement": EngagementDocument(
            totals.interested, totals.buyers, totals.returning_buyers
        ),
        "step": step,
        "tz": tz,
        "begin": begin,
        "end": end,
        "trend": [PointDocument(at=point.at, **_counts(point)) for point in trend],
    }


async def _ranking(call: Call, scope: Scope) -> list[RankedDocument]:
    return [_ranked(row) for row in await call[ANALYTICS].ranking(scope)]


def _ranked(row: Ranked) -> RankedDocument:
    return RankedDocument(
        event=row.event_id,
        name=row.name,
        status=row.status,
        starts_at=row.starts_at,
        organisation=row.organisation_id,
        capacity=row.capacity,
        sold=row.sold,
        bookings=row.bookings,
        utilisation=_share(row.sold, row.capacity),
    )


def _counts(row: Totals | Point) -> dict[str, Any]:
    return {
        "holds": row.holds,
        "bookings": row.bookings,
        "cancellations": row.cancellations,
        "expired": row.expired,
        "released": row.released,
        "seats_booked": row.seats_booked,
        "seats_cancelled": row.seats_cancelled,
        "revenue": [_sum(one.revenue, one) for one in row.money],
        "refunded": [_sum(one.refunded, one) for one in row.money if one.refunded],
        "paid": row.orders.paid,
        "returned": row.orders.returned,
        "net": row.orders.net,
        "discounts": row.orders.discounts,
    }


def _sum(amount: int, takings: Takings) -> Sum:
    return Sum(amount, takings.currency)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def read_span(query: Mapping[str, str]) -> tuple[Step, datetime, datetime]:
    """Return the step of the trend that is asked for, its beginning and its end."""
    step = cast("Step", choice_of(query, "step", STEPS) or "day")
    end = time_of(query, "to") or datetime.now(UTC)
    try:
        begin = time_of(query, "from") or end - SPANS[step]
    except OverflowError as error:
        raise bad_field("to", "Too early.") from error
    for field, time in (("from", begin), ("to", end)):
        if not is_kept(to_ms(time)):
            raise bad_field(field, YEARS)
    if begin >= end:
        raise bad_field("from", "Not before `to`.")
    if end - begin > SPANS_MAX[step]:
        longest = SPANS_MAX[step] // timedelta(days=1)
        raise bad_field("from", f"At most {longest} days by the {step}.")
    return step, begin, end


def read_zone(query: Mapping[str, str]) -> str | None:
    """Return the zone whose days are asked for, if any is."""
    name = query.get("tz")
    if name is not None:
        # In a query a plus sign that nobody escaped arrives as a blank.
        name = name.replace(" ", "+")
        check_zone("tz", name)
    return name


TIME: Final = {"type": "string", "format": "date-time"}

SPAN: Final = (
    Query(
        "step",
        {"type": "string", "enum": list(STEPS), "default": "day"},
        "What a point of the trend is: a minute, or a day in `tz`.",
    ),
    Query(
        "tz",
        {"type": "string", "maxLength": ZONE_LENGTH_MAX, "pattern": ZONE_PATTERN},
        "The IANA zone whose days are meant; where it is not said, that of the event "
        "or of the organisation, and UTC for all of them.",
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

ROUTES: Final[tuple[Route, ...]] = (
    _show(
        path="/v1/events/{event}/analytics",
        handler=show_event_analytics,
        name="show_event_analytics",
        summary="Show an event's sales, revenue and trend",
        access="manager",
        scope="analytics:read",
        answers=EventAnalytics,
        problems=(BAD_FIELD, EVENT_NOT_FOUND, UNAVAILABLE),
    ),
    _show(
        path="/v1/organisations/{organisation}/analytics",
        handler=show_organisation_analytics,
        name="show_organisation_analytics",
        summary="Show an organisation's sales, revenue and trend, and its best events",
        access="leader",
        scope="analytics:read",
        answers=OrganisationAnalytics,
        problems=(BAD_FIELD, *ORGANISATION),
    ),
    _show(
        path="/v1/analytics",
        handler=show_dashboard,
        name="show_dashboard",
        summary="Show the numbers of the whole server, and how far they are counted",
        access="admin",
        answers=Dashboard,
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
)
