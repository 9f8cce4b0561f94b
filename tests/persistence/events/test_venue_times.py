"""Two events never have an exclusive venue at the same time."""

import asyncio

import pytest
from msgspec.structs import replace

from persistence.events.venue_times import VenueTaken
from tests.persistence.journals import NOW_MS, SETTINGS, VENUE, make_batch

pytestmark = pytest.mark.postgres

HOUR_MS = 3_600_000


def at(hour, hours=None):
    ends_ms = None if hours is None else NOW_MS + (hour + hours) * HOUR_MS
    return replace(SETTINGS, starts_at_ms=NOW_MS + hour * HOUR_MS, ends_at_ms=ends_ms)


async def make_venue(store, venue="ven", exclusive=True):
    row = await store.catalog.create_venue(
        venue, "Hall", VENUE, created_by="u", request_hash=b"", exclusive=exclusive
    )
    assert row.exclusive is exclusive


async def draft(store, event, settings, venue="ven"):
    return await store.catalog.create_event(
        event, settings, venue=venue, created_by="u", request_hash=b""
    )


async def make(store, event, settings, venue="ven"):
    """Make an event, unless it is there, and publish it."""
    await draft(store, event, settings, venue)
    times = store.catalog.times
    place = replace(await times.place_of(event), settings=settings)
    taken = await times.take_first(place)
    await set_to(store, event, replace(settings, sale_state="on_sale"))
    if taken is not None:
        await times.settle(taken)


async def set_to(store, event, settings):
    ownership = await store.journal.acquire(event)
    await store.commit(ownership, make_batch(ownership, settings=settings))
    await store.journal.release(ownership, due=False)


async def take(store, event, settings):
    times = store.catalog.times
    return await times.take(await times.place_of(event), settings)


def on_sale(hour, hours=None):
    return replace(at(hour, hours), sale_state="on_sale")


async def test_events_follow_each_other_but_do_not_overlap(store):
    await make_venue(store)
    await make(store, "evt", at(0))
    for settings in (at(0), at(2, 1), at(-1, 2), at(-9, 99)):
        with pytest.raises(VenueTaken) as raised:
            await make(store, "evt2", settings)
        assert raised.value.event == "evt"
    # The draft is there all the same, and may be published at another time.
    assert (await store.catalog.find_event("evt2")).settings.sale_state == "draft"
    # Without an end it is three hours, and its end is the beginning of the next one.
    await make(store, "evt3", at(3, 1))
    await make(store, "evt4", at(-2, 2))
    await make_venue(store, "other")
    await make(store, "evt5", at(0), "other")


async def test_drafts_take_no_time(store):
    await make_venue(store)
    first = await draft(store, "evt", at(0))
    assert await draft(store, "evt", at(0)) == first
    await draft(store, "evt2", at(0, 700))
    assert await take(store, "evt2", at(5)) is None
    assert await store.query("SELECT FROM venue_time") == []
    await make(store, "evt", at(0))
    assert await store.query("SELECT event_id FROM venue_time") == [("evt",)]


async def test_a_publication_that_was_refused_leaves_no_time(store):
    await make_venue(store)
    await draft(store, "evt", at(0))
    times = store.catalog.times
    taken = await times.take_first(await times.place_of("evt"))
    with pytest.raises(VenueTaken):
        await make(store, "evt2", at(0))
    await times.settle(taken)
    await make(store, "evt2", at(0))


async def test_a_publication_that_was_given_up_is_in_the_way_for_a_minute(store):
    await make_venue(store)
    await draft(store, "evt", at(0))
    times = store.catalog.times
    await times.take_first(await times.place_of("evt"))
    with pytest.raises(VenueTaken):
        await make(store, "evt2", at(0))
    await store.query(
        "UPDATE venue_time SET taken_at = taken_at - interval '2 minutes'"
    )
    await make(store, "evt2", at(0))
    assert await store.query("SELECT event_id FROM venue_time") == [("evt2",)]


async def test_where_an_event_is_planned_is_told_with_whom_the_venue_is_for(store):
    await store.catalog.create_venue(
        "ven", "Hall", VENUE, created_by="u", request_hash=b"", planners=["org"]
    )
    await draft(store, "evt", at(0))
    place = await store.catalog.times.place_of("evt")
    assert (place.is_draft, place.exclusive, place.venue) == (True, False, "ven")
    assert (place.hall.created_by, place.hall.planners) == ("u", ["org"])
    assert await store.catalog.times.place_of("none") is None


async def test_nobody_minds_where_the_venue_is_not_exclusive(store):
    await make_venue(store, exclusive=False)
    await make(store, "evt", at(0))
    await make(store, "evt2", at(0))
    assert await take(store, "evt", at(5)) is None


async def test_of_many_at_once_one_gets_the_time(store):
    await make_venue(store)
    made = await asyncio.gather(
        *(make(store, f"evt{n}", at(n % 3)) for n in range(12)), return_exceptions=True
    )
    assert sum(not isinstance(one, Exception) for one in made) == 1
    assert all(
        isinstance(one, VenueTaken) for one in made if isinstance(one, Exception)
    )


@pytest.mark.parametrize("gone", [{"sale_state": "cancelled"}, {"deleted": True}])
async def test_what_does_not_take_place_leaves_its_time(store, gone):
    await make_venue(store)
    await make(store, "evt", at(0))
    await set_to(store, "evt", replace(on_sale(0), **gone))
    await make(store, "evt2", at(1))


async def test_an_event_that_moves_has_both_times_until_it_has_moved(store):
    await make_venue(store)
    times = store.catalog.times
    await make(store, "evt", at(0, 2))
    taken = await take(store, "evt", at(5, 2))
    for hour in (0, 5):
        with pytest.raises(VenueTaken):
            await make(store, "evt2", at(hour, 2))
    await make(store, "evt3", at(2, 3))
    await set_to(store, "evt", on_sale(5, 2))
    await times.settle(taken)
    with pytest.raises(VenueTaken):
        await take(store, "evt3", at(6, 1))
    await make(store, "evt2", at(0, 2))


async def test_a_move_by_less_than_its_length_is_in_nobodys_way(store):
    await make_venue(store)
    await make(store, "evt", at(0, 2))
    assert await take(store, "evt", at(1, 2)) is not None


async def test_a_move_that_was_given_up_is_settled_by_whoever_wants_the_time(store):
    await make_venue(store)
    await make(store, "evt", at(0, 2))
    await take(store, "evt", at(5, 2))
    with pytest.raises(VenueTaken):
        await make(store, "evt2", at(5, 2))
    await store.query(
        "UPDATE venue_time SET taken_at = taken_at - interval '2 minutes'"
    )
    await make(store, "evt2", at(5, 2))
    with pytest.raises(VenueTaken):
        await take(store, "evt2", at(1, 2))


async def test_of_two_moves_of_an_event_the_later_one_settles(store):
    await make_venue(store)
    times = store.catalog.times
    await make(store, "evt", at(0, 1))
    first = await take(store, "evt", at(5, 1))
    second = await take(store, "evt", at(8, 1))
    await times.settle(first)
    with pytest.raises(VenueTaken):
        await make(store, "evt2", at(8, 1))
    await set_to(store, "evt", on_sale(8, 1))
    await times.settle(second)
    await make(store, "evt2", at(5, 1))


async def test_two_moves_at_once_both_keep_what_they_took(store):
    await make_venue(store)
    await make(store, "evt", at(0, 2))
    # One lets it begin earlier, the other end later, and neither knows of the other.
    first = await take(store, "evt", at(-2, 4))
    second = await take(store, "evt", at(0, 4))
    ownership = await store.journal.acquire("evt")
    await store.commit(ownership, make_batch(ownership, settings=on_sale(0, 4)))
    await store.catalog.times.settle(second)
    with pytest.raises(VenueTaken):
        await make(store, "other", at(-2, 1))
    await store.commit(ownership, make_batch(ownership, settings=on_sale(-2, 6)))
    await store.catalog.times.settle(first)
    for settings in (at(-2, 1), at(3, 1)):
        with pytest.raises(VenueTaken):
            await make(store, "other", settings)
    await make(store, "other", at(4, 1))
