"""What all holders of an event are told: each once, in slices, whoever does it."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from inventory.changes import EventConfigured, SaleChanged
from persistence.followers.follower import Followed
from persistence.people.notices import rounds as rounds_module
from persistence.people.notices.rounds import Round, Rounds, put_round
from server.people.notices.job import RoundsJob

HOUR_MS = 3_600_000


async def follow(counter: Any, *changes: Any) -> None:
    followed = [Followed(1_000 + n, 0, change) for n, change in enumerate(changes)]
    async with counter.shop.pool.transaction() as connection:
        await counter.notices.follow(connection, "evt", followed)


async def settings_of(counter: Any) -> Any:
    return (await counter.shop.registry.find("evt")).board.settings


async def notices(counter: Any, kind: str) -> list[Any]:
    return list(
        await counter.shop.pool.fetch(
            "SELECT n.*, m.recipient FROM notice n JOIN mail m USING (notice_id)"
            " WHERE n.kind = $1 ORDER BY n.user_id",
            kind,
        )
    )


async def begins_in(counter: Any, hours: float, booked_hours_ago: float = 100) -> None:
    """Move the event, and when it was booked, as if time had passed."""
    pool = counter.shop.pool
    await pool.fetch(
        "UPDATE event SET starts_at = now() + $1 * interval '1 hour'", hours
    )
    await pool.fetch(
        "UPDATE booking SET created_at = now() - $1 * interval '1 hour'",
        booked_hours_ago,
    )


@pytest.fixture
async def sold(counter: Any) -> Any:
    """Three orders of two people, followed."""
    for user in ("olga", "olga", "bert"):
        await counter.buy(1, user)
    await counter.follow()
    return counter


async def test_a_reminder_comes_once_though_three_machines_run_the_job(sold):
    await begins_in(sold, 23)
    jobs = [RoundsJob(Rounds(sold.shop.pool), 24) for _ in range(3)]
    await asyncio.gather(*(job.run() for job in jobs))
    await jobs[0].run()
    found = await notices(sold, "reminder")
    assert [row["user_id"] for row in found] == ["bert", "olga"]
    assert {row["recipient"] for row in found} == {"olga@example.org"}


@pytest.mark.parametrize(
    ("begins", "booked_ago", "told"),
    [(25, 100, 0), (23, 100, 2), (23, 0.5, 0), (-1, 100, 0)],
    ids=["too early", "now", "booked since", "it began"],
)
async def test_who_is_reminded_and_when(sold, begins, booked_ago, told):
    await begins_in(sold, begins, booked_ago)
    await RoundsJob(Rounds(sold.shop.pool), 24).run()
    assert len(await notices(sold, "reminder")) == told


async def test_nobody_is_reminded_of_what_is_cancelled_or_where_it_is_off(sold):
    await begins_in(sold, 23)
    await RoundsJob(Rounds(sold.shop.pool), 0).run()
    assert await notices(sold, "reminder") == []
    # It is cancelled between the round and its first slice.
    await Rounds(sold.shop.pool).remind(24)
    await sold.shop.pool.fetch("UPDATE event SET status = 'cancelled'")
    await RoundsJob(Rounds(sold.shop.pool), 24).run()
    assert await notices(sold, "reminder") == []


async def test_an_event_at_another_time_reminds_again(sold):
    await begins_in(sold, 23)
    job = RoundsJob(Rounds(sold.shop.pool), 24)
    await job.run()
    await sold.shop.pool.fetch(
        "UPDATE event SET settings = jsonb_set(settings, '{starts_at_ms}',"
        " to_jsonb((settings ->> 'starts_at_ms')::bigint + 1))"
    )
    await job.run()
    assert len(await notices(sold, "reminder")) == 4


async def test_another_time_is_told_to_all_who_booked_and_another_price_to_nobody(sold):
    before = await settings_of(sold)
    await follow(sold, EventConfigured(replace(before, max_per_user=29)))
    job = RoundsJob(Rounds(sold.shop.pool), 24)
    await job.run()
    assert await notices(sold, "event_changed") == []
    later = replace(before, starts_at_ms=before.starts_at_ms + HOUR_MS)
    latest = replace(before, starts_at_ms=before.starts_at_ms + 2 * HOUR_MS)
    # Of two at once the last one counts.
    await follow(sold, EventConfigured(later), EventConfigured(latest))
    await job.run()
    found = await notices(sold, "event_changed")
    assert [row["user_id"] for row in found] == ["bert", "olga"]
    assert str(before.starts_at_ms) in found[0]["data"]
    # And the same once more is no other time.
    await follow(sold, EventConfigured(latest))
    await job.run()
    assert len(await notices(sold, "event_changed")) == 2


async def test_other_clocks_are_another_time(sold):
    before = await settings_of(sold)
    await follow(sold, EventConfigured(replace(before, timezone="Asia/Tokyo")))
    await RoundsJob(Rounds(sold.shop.pool), 24).run()
    assert len(await notices(sold, "event_changed")) == 2


async def test_all_hear_that_it_is_cancelled_but_who_has_cancelled_before(sold):
    await sold.shop.pool.fetch(
        "UPDATE booking SET cancelled_at = now() WHERE user_id = 'bert'"
    )
    later = replace(await settings_of(sold), starts_at_ms=1_900_000_000_000)
    await follow(sold, EventConfigured(later), SaleChanged("cancelled"))
    await follow(sold, SaleChanged("cancelled"))
    await RoundsJob(Rounds(sold.shop.pool), 24).run()
    found = await notices(sold, "event_cancelled")
    assert [row["user_id"] for row in found] == ["olga"]
    # A time at which it does not take place is no news.
    assert await notices(sold, "event_changed") == []


async def test_who_has_a_ticket_by_now_is_told_at_the_own_address(sold):
    pool = sold.shop.pool
    await pool.fetch(
        'UPDATE ticket SET holder = \'{"user": "cleo"}\' WHERE ticket_id ='
        " (SELECT min(ticket_id) FROM ticket)"
    )
    await follow(sold, SaleChanged("cancelled"))
    await RoundsJob(Rounds(pool), 24).run()
    rows = await pool.fetch(
        "SELECT user_id FROM notice WHERE kind = 'event_cancelled' ORDER BY user_id"
    )
    assert [row["user_id"] for row in rows] == ["bert", "cleo", "olga"]


async def test_a_round_goes_on_where_it_was_left(sold, monkeypatch):
    """In slices of one; whoever dies in a slice has told nobody of it."""
    monkeypatch.setattr(rounds_module, "SLICE", 1)
    pool = sold.shop.pool
    async with pool.transaction() as connection:
        await put_round(connection, Round("event_cancelled", "evt", "evt"))
    rounds = Rounds(pool)
    assert await rounds.write_some()
    assert len(await notices(sold, "event_cancelled")) == 1

    async def die(*_: Any) -> int:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(rounds_module, "raise_notices", die)
        with pytest.raises(ConnectionError):
            await rounds.write_some()
    while await rounds.write_some():
        pass
    assert len(await notices(sold, "event_cancelled")) == 2
    (row,) = await pool.fetch("SELECT raised, done_at FROM notice_round")
    assert row["raised"] == 2
    assert row["done_at"] is not None
