"""How many are booked, as lists tell it."""

import asyncio

import pytest

from persistence.events.rows import EventFilter
from tests.persistence.catalogue import book, make_events

pytestmark = pytest.mark.postgres


async def test_registrations_are_counted_again_where_something_happened(store):
    await make_events(store)
    popularity = store.catalog.popularity
    await book(store, "evt3", 5)
    assert await popularity.count() == 1
    assert await popularity.count() == 0
    row = await store.catalog.find_event("evt3")
    assert row.registrations == 5
    await store.query("DELETE FROM event_popularity WHERE event_id = 'evt3'")
    assert await popularity.count() == 1
    page, _ = await store.catalog.list_events(
        EventFilter(), limit=1, sort="-registrations"
    )
    assert [one.event for one in page] == ["evt3"]


async def test_of_many_who_count_at_once_each_finds_it_counted(store):
    await make_events(store)
    await book(store, "evt3", 5)
    popularity = store.catalog.popularity
    counted = await asyncio.gather(*(popularity.count() for _ in range(4)))
    assert sum(counted) == 1
    assert (await store.catalog.find_event("evt3")).registrations == 5
