import asyncio

import msgspec
import pytest

from persistence import limits
from persistence.errors import BadCursor
from persistence.events.rows import EventFilter
from tests.persistence.journals import (
    AREA_CAPACITY,
    NOW_MS,
    SETTINGS,
    VENUE,
)

pytestmark = pytest.mark.postgres


async def make_venue(store, venue="ven", name="Hall", request_hash=b"h"):
    return await store.catalog.create_venue(
        venue, name, VENUE, created_by="usr", request_hash=request_hash
    )


async def make_event(store, event, settings=SETTINGS, **place):
    place = place or {"venue": "ven"}
    return await store.catalog.create_event(
        event, settings, created_by="usr", request_hash=b"h", **place
    )


def with_changes(**changes):
    return msgspec.structs.replace(SETTINGS, **changes)


async def test_a_venue_tells_what_is_in_it(store):
    row = await make_venue(store)
    assert (row.name, row.seats, row.areas) == ("Hall", 10, 1)
    assert row.categories == VENUE.categories
    assert await store.catalog.find_venue("ven") == row
    assert await store.catalog.find_venue("other") is None


async def test_a_venue_made_twice_is_the_first_one(store):
    first = await make_venue(store)
    second = await make_venue(store, name="Other", request_hash=b"other")
    assert second == first


async def test_venues_are_listed_in_pages(store):
    for n in range(5):
        await make_venue(store, f"ven{n}")
    names, cursor = [], None
    while True:
        page, cursor = await store.catalog.list_venues(limit=2, cursor=cursor)
        names += [row.venue_id for row in page]
        if cursor is None:
            break
    assert names == [f"ven{n}" for n in range(5)]


async def test_an_event_has_its_head_and_its_areas_from_the_start(store):
    await make_venue(store)
    row = await make_event(store, "evt")
    assert (row.event, row.venue, row.capacity) == ("evt", "ven", None)
    assert row.settings == SETTINGS
    areas = await store.query("SELECT area, sold, capacity FROM area_sold")
    assert areas == [(0, 0, AREA_CAPACITY)]
    (head,) = await store.journal.heads(["evt"])
    assert (head.version, head.epoch, head.address) == (0, 0, None)
    plan = await store.catalog.find_plan("evt")
    assert plan is not None
    assert (plan.first_settings, plan.venue_map()) == (SETTINGS, VENUE)


async def test_an_event_with_a_capacity_has_an_unlisted_venue(store):
    row = await make_event(store, "evt", capacity=700)
    assert (row.venue, row.capacity) == (None, 700)
    assert await store.query("SELECT capacity FROM area_sold") == [(700,)]
    assert await store.catalog.list_venues(limit=10) == ([], None)
    assert await store.catalog.find_venue("evt") is None
    plan = await store.catalog.find_plan("evt")
    assert plan is not None
    assert [area.label for area in plan.venue_map().areas] == ["GA"]


async def test_an_event_made_by_many_at_once_is_one(store):
    await make_venue(store)
    rows = await asyncio.gather(
        *(make_event(store, "evt", with_changes(name=f"n{n}")) for n in range(8))
    )
    assert len({row.settings.name for row in rows}) == 1
    assert len(await store.journal.heads(["evt"])) == 1


async def test_an_event_needs_a_venue_that_exists(store):
    with pytest.raises(KeyError):
        await make_event(store, "evt", venue="nowhere")
    with pytest.raises(ValueError, match="either"):
        await make_event(store, "evt", venue="ven", capacity=5)
    assert await store.catalog.find_event("evt") is None
    assert await store.catalog.find_plan("evt") is None


async def test_events_are_filtered_by_what_is_asked_for(store):
    await make_venue(store)
    for n, (name, state) in enumerate(
        [("Opera", "on_sale"), ("OPERETTA 100%", "paused"), ("Rock", "draft")]
    ):
        settings = with_changes(
            name=name, sale_state=state, starts_at_ms=NOW_MS + n * 1000
        )
        await make_event(store, f"evt{n}", settings)

    async def listed(**filters):
        rows, _ = await store.catalog.list_events(EventFilter(**filters), limit=10)
        return [row.event for row in rows]

    assert await listed() == ["evt0", "evt1"]
    assert await listed(drafts=True) == ["evt0", "evt1", "evt2"]
    assert await listed(status="draft") == []
    assert await listed(status="draft", drafts=True) == ["evt2"]
    assert await listed(status="draft", drafts=True, made_by="usr") == ["evt2"]
    assert await listed(drafts=True, made_by="usr_other") == ["evt0", "evt1"]
    assert await listed(status="draft", drafts=True, made_by="usr_other") == []
    assert (await store.catalog.find_plan("evt2")).created_by == "usr"
    assert await listed(text="oper") == ["evt0", "evt1"]
    assert await listed(text="%") == ["evt1"]
    assert await listed(from_ms=NOW_MS + 1000) == ["evt1"]
    assert await listed(to_ms=NOW_MS + 1000) == ["evt0"]


async def test_events_that_begin_together_are_listed_once_each(store):
    await make_venue(store)
    for n in range(7):
        await make_event(store, f"evt{n}", with_changes(sale_state="on_sale"))
    events, cursor = [], None
    while True:
        page, cursor = await store.catalog.list_events(limit=3, cursor=cursor)
        events += [row.event for row in page]
        if cursor is None:
            break
    assert events == [f"evt{n}" for n in range(7)]


async def test_a_page_is_never_larger_than_its_bound(store, monkeypatch):
    monkeypatch.setattr(limits, "PAGE_MAX", 2)
    for n in range(3):
        await make_venue(store, f"ven{n}")
    page, cursor = await store.catalog.list_venues(limit=1000)
    assert len(page) == 2
    assert cursor is not None


async def test_a_foreign_cursor_is_refused(store):
    with pytest.raises(BadCursor):
        await store.catalog.list_events(limit=3, cursor="nonsense")
