"""What the roll-up tables tell, against what was really sold."""

from datetime import UTC, datetime, timedelta

import pytest

from persistence.analytics.analytics import (
    EVERYTHING,
    Analytics,
    Scope,
    Takings,
    Totals,
    of_organisation,
    one_event,
)
from persistence.analytics.rollup import Rollup
from tests.persistence.analytics.test_rollup import count_all
from tests.persistence.journals import Store
from tests.persistence.sales import sell_some, selling

NOW = datetime.now(UTC)
BEGIN, END = NOW - timedelta(hours=1), NOW + timedelta(hours=20)
# two places, A-6 and A-7, which was cancelled, at 45 € each.
REVENUE = 6 * 4_500


@pytest.fixture
async def analytics(store: Store) -> Analytics:
    """One event that is counted, and one of an organisation in which nothing was."""
    await sell_some(store, "evt")
    await count_all(Rollup(store.pool))
    await store.query(
        "INSERT INTO account (user_id, email, password_hash, role, name)"
        " VALUES ('usr', 'olga@example.org', '-', 'customer', 'Olga')"
    )
    await store.query(
        "INSERT INTO organisation"
        " (organisation_id, name, description, created_by, request_hash)"
        " VALUES ('org', 'Theatre', '', 'usr', '')"
    )
    async with selling(store, "other"):
        await store.query(
            "UPDATE event SET organisation_id = 'org' WHERE event_id = 'other'"
        )
    return Analytics(store.pool)


def counts_of(totals: Totals) -> tuple[int, ...]:
    return (
        totals.holds,
        totals.bookings,
        totals.cancellations,
        totals.expired,
        totals.released,
        totals.seats_booked,
        totals.seats_cancelled,
    )


@pytest.mark.parametrize("scope", [one_event("evt"), EVERYTHING])
async def test_totals_are_what_was_sold(analytics, scope):
    totals = await analytics.totals(scope)
    assert counts_of(totals) == (6, 4, 1, 0, 0, 6, 1)
    assert totals.money == [Takings("EUR", REVENUE, 4_500)]
    assert (totals.interested, totals.buyers, totals.returning_buyers) == (6, 4, 0)
    one = scope != EVERYTHING
    assert (totals.events, totals.capacity) == ((1, 15) if one else (2, 30))


@pytest.mark.parametrize("scope", [of_organisation("org"), one_event("other")])
async def test_without_sales_everything_is_nought(analytics, scope):
    totals = await analytics.totals(scope)
    assert counts_of(totals) == (0,) * 7
    assert (totals.events, totals.capacity, totals.money) == (1, 15, [])
    assert await analytics.trend(scope, "day", BEGIN, END) == []
    (ranked,) = await analytics.ranking(of_organisation("org"))
    assert (ranked.event_id, ranked.sold, ranked.capacity) == ("other", 0, 15)


async def test_sums_that_no_integer_of_postgres_holds_are_counted_and_told(
    store: Store,
) -> None:
    most = 2**63 - 1
    for event in ("evt", "other"):
        await sell_some(store, event)
    await count_all(Rollup(store.pool))
    for unit in ("minute", "day"):
        await store.query(f"UPDATE event_{unit} SET revenue = $1", most)
    # What was counted is counted once more, on top of that.
    await store.query("DELETE FROM event_rollup")
    await store.query("DELETE FROM booking_value")
    await count_all(Rollup(store.pool))
    analytics = Analytics(store.pool)
    for scope in (one_event("evt"), EVERYTHING):
        (taken,) = (await analytics.totals(scope)).money
        assert taken.revenue > most
        began = BEGIN - timedelta(days=1)
        for trend in (
            await analytics.trend(scope, "day", began, END),
            await analytics.trend(scope, "minute", began, END),
            await analytics.days(scope, [began, END]),
        ):
            assert sum(one.money[0].revenue for one in trend) > most


async def test_of_no_events_there_is_nothing_to_tell(analytics):
    totals = await analytics.totals(of_organisation("none"))
    assert (totals.events, totals.capacity, totals.bookings) == (0, 0, 0)
    assert await analytics.ranking(of_organisation("none")) == []


@pytest.mark.parametrize("step", ["minute", "day"])
@pytest.mark.parametrize("scope", [one_event("evt"), EVERYTHING])
async def test_a_trend_sums_up_to_the_totals(analytics, step, scope: Scope):
    begin = BEGIN - timedelta(days=1)
    points = await analytics.trend(scope, step, begin, END)
    assert sum(point.bookings for point in points) == 4
    assert sum(point.seats_booked for point in points) == 6
    taken = [money for point in points for money in point.money]
    assert sum(money.revenue for money in taken) == REVENUE
    assert sum(money.refunded for money in taken) == 4_500
    assert all(begin <= point.at < END for point in points)
    assert [point.at for point in points] == sorted({point.at for point in points})
    assert await analytics.trend(scope, step, END, END + timedelta(days=9)) == []
    if step == "minute":
        assert {point.at.second for point in points} == {0}
    else:
        assert {(point.at.hour, point.at.minute) for point in points} == {(0, 0)}


async def put_minutes(store: Store, *minutes: str) -> None:
    """Let one booking be counted in each of these minutes."""
    await store.query(
        "INSERT INTO event_minute SELECT 'other', minute, 'EUR', 1, 1, 0, 0, 0, 2, 0,"
        " 100, 0 FROM unnest($1::timestamptz[]) AS m(minute)",
        [datetime.fromisoformat(one) for one in minutes],
    )


@pytest.mark.parametrize("scope", [one_event("other"), of_organisation("org")])
async def test_days_are_those_between_the_times_they_are_given(store, analytics, scope):
    # In Berlin the 25th of October has 25 hours.
    await put_minutes(
        store,
        "2026-10-24T21:59Z",
        "2026-10-24T22:00Z",
        "2026-10-25T22:59Z",
        "2026-10-25T23:00Z",
        "2026-10-26T22:59Z",
        "2026-10-26T23:00Z",
    )
    begins = [
        datetime.fromisoformat(text)
        for text in ("2026-10-24T22:00Z", "2026-10-25T23:00Z", "2026-10-26T23:00Z")
    ]
    points = await analytics.days(scope, begins)
    assert [(point.at, point.bookings) for point in points] == [
        (begins[0], 2),
        (begins[1], 2),
    ]
    assert points[0].seats_booked == 4
    assert points[0].money == [Takings("EUR", 200, 0)]
    assert await analytics.days(one_event("evt"), begins) == []
    assert await analytics.days(scope, []) == []


async def test_the_ranking_begins_with_what_sold_most(analytics):
    ranked = await analytics.ranking(EVERYTHING)
    assert [(one.event_id, one.sold) for one in ranked] == [("evt", 5), ("other", 0)]


async def test_an_answer_says_up_to_when_everything_is_counted(store, analytics):
    counted = await analytics.totals(one_event("evt"))
    assert NOW - timedelta(minutes=5) < counted.as_of
    await store.query(
        "UPDATE event_rollup SET version = version - 1,"
        " counted_to = '2020-01-02T03:04:05Z' WHERE event_id = 'evt'"
    )
    behind = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    for scope in (one_event("evt"), EVERYTHING):
        assert (await analytics.totals(scope)).as_of == behind
    assert (await analytics.totals(of_organisation("org"))).as_of > behind


async def test_people_and_states_are_counted(analytics):
    assert await analytics.people() == (1, 1)
    assert sum((await analytics.states()).values()) == 2
