"""Venues in the database: edited, copied, deleted, beside those who make events."""

import asyncio
from typing import Any

import msgspec
import pytest

from inventory.venue.own import read_map
from inventory.venue.stored import read_stored
from persistence.errors import Stale
from persistence.events.drawn import draw, give_way
from persistence.events.venue_edits import (
    Coordinates,
    VenueChange,
    VenueCrowded,
    VenueInUse,
)
from tests.persistence.journals import NOW_MS, SETTINGS, VENUE

pytestmark = pytest.mark.postgres

OTHER = read_map(
    {
        "areas": [{"label": "Floor", "capacity": 7, "category": "1"}],
        "categories": [{"key": "1"}],
    }
)


async def hall(store, name="ven", **fields):
    return await store.catalog.create_venue(
        name, "Hall", VENUE, created_by="usr", request_hash=b"", **fields
    )


async def event_in(store, event="evt", **settings):
    return await store.catalog.create_event(
        event,
        msgspec.structs.replace(SETTINGS, **settings),
        venue="ven",
        created_by="usr",
        request_hash=b"",
    )


async def map_of(store, venue="ven"):
    found = await store.catalog.venues.find_map(venue)
    return None if found is None else read_stored(found[0], give_way)


async def test_each_field_is_changed_alone(store):
    made = await hall(store)
    edits, row = store.catalog.venues, made
    changes: list[tuple[str, Any]] = [
        ("planners", ["org_a", "org_b"]),
        ("name", "Other"),
        ("address", "1 High Street"),
        ("coordinates", Coordinates(1.5, -2.5)),
        ("exclusive", True),
        ("timezone", "Europe/Berlin"),
        ("address", None),
        ("coordinates", None),
        ("timezone", None),
    ]
    for number, (field, value) in enumerate(changes, 1):
        assert await edits.edit("ven", VenueChange(**{field: value}))
        row = msgspec.structs.replace(row, **{field: value, "revision": number})
        assert await store.catalog.find_venue("ven") == row
    assert await map_of(store) == VENUE
    assert await edits.edit("none", VenueChange(name="x")) is False


async def test_a_venue_is_edited_and_deleted_as_it_was_seen(store):
    await hall(store)
    venues = store.catalog.venues
    assert await venues.edit("ven", VenueChange(name="Arena"), seen=(0,))
    with pytest.raises(Stale):
        await venues.edit("ven", VenueChange(name="Other"), seen=(0, 2))
    with pytest.raises(Stale):
        await venues.delete("ven", seen=(0,))
    found = await store.catalog.find_venue("ven")
    assert (found.name, found.revision) == ("Arena", 1)
    assert await venues.delete("ven", seen=(1,))


async def test_a_map_changes_only_while_no_event_uses_it(store):
    await hall(store)
    edits = store.catalog.venues
    assert await edits.edit("ven", VenueChange(map=draw(OTHER)))
    assert await map_of(store) == OTHER
    row = await store.catalog.find_venue("ven")
    assert (row.seats, row.areas) == (len(OTHER.seats), 1)
    await event_in(store)
    assert await edits.edit("ven", VenueChange(map=draw(OTHER), name="Same"))
    with pytest.raises(VenueInUse):
        await edits.edit("ven", VenueChange(map=draw(VENUE), name="Not this"))
    with pytest.raises(VenueInUse):
        await edits.delete("ven")
    row = await store.catalog.find_venue("ven")
    assert row.name == "Same"
    assert (await store.catalog.find_event("evt")).venue_name == "Same"
    plan = await store.catalog.find_plan("evt")
    assert plan.venue_map() == OTHER


async def test_a_deleted_event_takes_its_map_along(store):
    await hall(store, exclusive=True)
    await event_in(store)
    await store.query("UPDATE event SET deleted_at = now()")
    assert await store.catalog.venues.edit("ven", VenueChange(map=draw(OTHER)))
    assert (await store.catalog.find_plan("evt")).venue_map() == VENUE
    await event_in(store, "evt2")
    assert (await store.catalog.find_plan("evt2")).venue_map() == OTHER
    assert await store.catalog.count_venues() == 1
    assert await store.query("SELECT FROM venue_time") == []


async def test_a_draft_of_strangers_takes_its_map_along(store):
    await hall(store, exclusive=True)
    stranger = {"venue": "ven", "created_by": "stranger", "request_hash": b""}
    await store.catalog.create_event("evt", SETTINGS, **stranger)
    assert await store.catalog.venues.edit("ven", VenueChange(map=draw(OTHER)))
    plan = await store.catalog.find_plan("evt")
    assert plan.venue_map() == VENUE
    assert (await store.catalog.times.place_of("evt")).venue_deleted
    await store.catalog.create_event("evt2", SETTINGS, **stranger)
    assert await store.catalog.venues.delete("ven")
    assert (await store.catalog.find_plan("evt2")).venue_map() == OTHER


async def test_a_deleted_venue_is_gone_and_its_maker_may_ask_again(store):
    first = await hall(store)
    edits = store.catalog.venues
    assert await edits.delete("ven") is True
    assert await edits.delete("ven") is False
    assert await edits.edit("ven", VenueChange(name="x")) is False
    assert await store.catalog.find_venue("ven") is None
    assert await map_of(store) is None
    assert (await store.catalog.list_venues(limit=5))[0] == []
    with pytest.raises(KeyError, match="venue"):
        await event_in(store)
    again = await hall(store)
    assert again == msgspec.structs.replace(first, deleted=True)


async def test_a_venue_becomes_exclusive_only_where_nothing_overlaps(store):
    await hall(store)
    await event_in(store, sale_state="on_sale")
    await event_in(store, "evt2", starts_at_ms=NOW_MS + 1, sale_state="on_sale")
    await event_in(store, "draft")
    await store.catalog.create_event(
        "strangers",
        msgspec.structs.replace(SETTINGS, sale_state="on_sale"),
        venue="ven",
        created_by="stranger",
        request_hash=b"",
    )
    edits, alone = store.catalog.venues, VenueChange(exclusive=True)
    with pytest.raises(VenueCrowded):
        await edits.edit("ven", alone)
    assert (await store.catalog.find_venue("ven")).exclusive is False
    await store.query("UPDATE event SET status = 'cancelled' WHERE event_id = 'evt2'")
    await edits.edit("ven", alone)
    await edits.edit("ven", alone)
    assert await store.query("SELECT event_id FROM venue_time") == [("evt",)]
    await edits.edit("ven", VenueChange(exclusive=False))
    assert await store.query("SELECT event_id FROM venue_time") == []


async def test_a_copy_is_like_its_venue_in_all_but_who_made_it(store):
    place = Coordinates(1, 2)
    await hall(store, exclusive=True, address="Here", coordinates=place)
    await store.catalog.venues.edit("ven", VenueChange(timezone="Asia/Tokyo"))
    copied = {"created_by": "other", "request_hash": b"h", "organisation": None}
    row = await store.catalog.copy_venue("ven", "copy", name=None, **copied)
    first = await store.catalog.find_venue("ven")
    assert row == msgspec.structs.replace(
        first,
        venue_id="copy",
        created_by="other",
        request_hash=b"h",
        created_at=row.created_at,
        revision=0,
    )
    assert await map_of(store, "copy") == VENUE
    with pytest.raises(KeyError, match="venue"):
        await store.catalog.copy_venue("none", "copy2", name=None, **copied)
    with pytest.raises(KeyError, match="organisation"):
        await store.catalog.copy_venue(
            "ven", "copy2", name=None, **copied | {"organisation": "org_none"}
        )


async def test_events_and_edits_at_the_same_time_wait_for_each_other(store):
    for number in range(6):
        venue = f"ven{number}"
        await hall(store, venue)
        outcomes: Any = await asyncio.gather(
            store.catalog.create_event(
                f"evt{number}",
                SETTINGS,
                venue=venue,
                created_by="usr",
                request_hash=b"",
            ),
            store.catalog.venues.edit(venue, VenueChange(map=draw(OTHER))),
            return_exceptions=True,
        )
        made, edited = outcomes
        assert not isinstance(made, BaseException)
        plan = await store.catalog.find_plan(f"evt{number}")
        drawn = OTHER if edited is True else VENUE
        assert edited is True or isinstance(edited, VenueInUse)
        assert plan.venue_map() == drawn
        places = await store.query(
            "SELECT capacity FROM area_sold WHERE event_id = $1 ORDER BY area",
            f"evt{number}",
        )
        assert [row[0] for row in places] == [area.capacity for area in drawn.areas]


async def test_holders_of_what_is_to_come_there_hear_of_another_place(store):
    await hall(store, address="1 High Street")
    await event_in(store)
    for event, status in (("draft", "draft"), ("over", "completed")):
        await event_in(store, event)
        sql = "UPDATE event SET status = $2 WHERE event_id = $1"
        await store.pool.fetch(sql, event, status)
    await store.pool.fetch("UPDATE event SET status = 'on_sale' WHERE event_id = 'evt'")

    async def rounds():
        return await store.query("SELECT event_id, data::text FROM notice_round")

    edits = store.catalog.venues
    for change in (
        VenueChange(name="Hall"),
        VenueChange(address="1 High Street"),
        VenueChange(timezone="Europe/Berlin"),
    ):
        await edits.edit("ven", change)
    assert await rounds() == []
    await edits.edit("ven", VenueChange(name="Old Hall", address="1 High Street"))
    await edits.edit("ven", VenueChange(address=None))
    assert await rounds() == [("evt", '{"place": true}')] * 2
