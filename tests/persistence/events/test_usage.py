"""What an organisation, or an account without one, may have of everything."""

import pytest
from msgspec.structs import replace

from inventory.venue.arena import arena
from persistence.errors import TooMany
from persistence.events.catalog import Catalog
from persistence.events.drawn import VenueSize, draw
from persistence.events.images import NewImage
from persistence.events.usage import Owner, refuse_more
from persistence.events.venue_edits import VenueChange
from persistence.quotas import Quotas
from tests.persistence.journals import SETTINGS

pytestmark = pytest.mark.postgres

HALL = draw(arena(100))


async def make(catalog, venue, maker="usr", **fields):
    return await catalog.create_venue(
        venue, "Hall", HALL, created_by=maker, request_hash=b"", **fields
    )


async def copy(catalog, venue, name):
    return await catalog.copy_venue(
        venue, name, name=None, created_by="usr", request_hash=b"", organisation=None
    )


async def event(catalog, name, maker="usr", **fields):
    return await catalog.create_event(
        name, SETTINGS, capacity=5, created_by=maker, request_hash=b"", **fields
    )


@pytest.mark.parametrize(
    ("quotas", "limit", "has"),
    [
        (Quotas(venues=2), 2, 2),
        (Quotas(seats=299), 299, 200),
        (Quotas(map_bytes=3 * len(HALL.json) - 1), 3 * len(HALL.json) - 1, None),
    ],
)
async def test_an_account_has_so_much_and_no_more(store, quotas, limit, has):
    catalog = Catalog(store.pool, quotas)
    first = await make(catalog, "ven0")
    await copy(catalog, "ven0", "ven1")
    for more in (make(catalog, "ven2"), copy(catalog, "ven0", "ven2")):
        with pytest.raises(TooMany) as raised:
            await more
        known = 2 * len(HALL.json) if has is None else has
        assert (raised.value.limit, raised.value.has) == (limit, known)
    # The same again makes nothing, others have their own, and somebody no limit.
    assert await make(catalog, "ven0") == first
    await make(catalog, "ven3", "usr_other")
    await make(catalog, "ven4", unlimited=True)


async def test_what_was_deleted_does_not_count(store):
    catalog = Catalog(store.pool, Quotas(venues=1, seats=100, map_bytes=len(HALL.json)))
    for name in ("ven0", "ven1", "ven2"):
        await make(catalog, name)
        assert await catalog.venues.delete(name)
    ((kept,),) = await store.query("SELECT sum(octet_length(map)) FROM venue")
    assert kept == 0


async def test_the_map_of_a_deleted_venue_with_events_counts_in_bytes(store):
    catalog = Catalog(store.pool, Quotas(map_bytes=len(HALL.json)))
    await make(catalog, "ven0")
    await catalog.create_event(
        "evt", SETTINGS, venue="ven0", created_by="usr", request_hash=b""
    )
    await store.query("UPDATE event SET deleted_at = now()")
    assert await catalog.venues.delete("ven0")
    with pytest.raises(TooMany):
        await make(catalog, "ven1")


async def test_a_venue_that_is_drawn_anew_counts_as_it_will_be(store):
    catalog, owner = Catalog(store.pool, Quotas(seats=150)), Owner(None, "usr")
    await make(catalog, "ven0")
    await catalog.usage.check_map(owner, "ven0", VenueSize(150, 1))
    with pytest.raises(TooMany):
        await catalog.usage.check_map(owner, "ven0", VenueSize(151, 1))
    assert await catalog.venues.edit("ven0", VenueChange(map=draw(arena(150))))
    with pytest.raises(TooMany):
        await make(catalog, "ven1")


async def test_an_account_has_so_many_events(store):
    catalog = Catalog(store.pool, Quotas(events=2))
    for name in ("a", "b", "a"):
        await event(catalog, name)
    with pytest.raises(TooMany) as raised:
        await event(catalog, "c")
    assert (raised.value.limit, raised.value.has) == (2, 2)
    await event(catalog, "c", "usr_other")
    await event(catalog, "d", unlimited=True)


async def test_images_and_their_bytes_are_limited(store):
    catalog = Catalog(store.pool, Quotas(images=2, image_bytes=100))
    for name in ("a", "b", "c"):
        await event(catalog, name)
    image = NewImage("img_a", 1, 1, {"large": 40, "small": 10}, "usr", "")
    await catalog.images.show("a", image)
    await catalog.usage.check_image("b", 50)
    with pytest.raises(TooMany) as raised:
        await catalog.usage.check_image("b", 51)
    assert raised.value.has == 50
    # Its own, which it replaces, does not count.
    await catalog.usage.check_image("a", 100)
    await catalog.images.show("b", replace(image, image="img_b"))
    with pytest.raises(TooMany) as raised:
        await catalog.usage.check_image("c", 0)
    assert (raised.value.limit, raised.value.has) == (2, 2)


def test_a_limit_may_be_reached_and_not_passed():
    refuse_more(4, 1, 5, "seats")
    with pytest.raises(TooMany):
        refuse_more(5, 1, 5, "seats")
