"""Venues made, changed, copied and deleted without a request."""

import pytest
from msgspec.structs import replace

from inventory.venue.own import capacity_map
from persistence.errors import Stale
from persistence.events.catalog import VenueRow
from persistence.events.drawn import draw
from persistence.events.venue_edits import VenueChange
from server.base.identity import Identity
from server.base.refusals.refusals import Denied, Refusal
from server.events.venues.service import NewVenue
from tests.server.events.house import SETTINGS, House
from tests.server.identities import ADMIN, GUEST, LENA, MAKER, MIA, OLGA, STAN, machine

pytestmark = pytest.mark.postgres

HALL = NewVenue(name="Hall", map=capacity_map(5))


async def make(
    house: House,
    who: Identity = LENA,
    organisation: str | None = "org",
    key: str | None = None,
    request_hash: bytes = b"hash",
) -> VenueRow:
    maker = await house.venues.maker_for(who, organisation)
    return await house.venues.create(maker, HALL, key, request_hash)


async def test_a_venue_is_made_for_whom_one_leads(house):
    row = await make(house)
    assert (row.organisation, row.created_by, row.name) == ("org", LENA.user, "Hall")
    assert (await make(house, MAKER, None)).organisation is None
    for who, organisation in (
        (STAN, "org"),
        (MAKER, "org"),
        (MIA, None),
        (GUEST, None),
    ):
        with pytest.raises(Denied, match="forbidden"):
            await house.venues.maker_for(who, organisation)


async def test_who_makes_none_for_anybody_hears_it_first(house):
    for who in (LENA, OLGA, MAKER, ADMIN):
        await house.venues.require_maker(who)
    for who in (STAN, MIA):
        with pytest.raises(Denied, match="forbidden"):
            await house.venues.require_maker(who)


async def test_a_venue_is_made_once_under_its_key(house):
    first = await make(house, key="key")
    assert (await make(house, key="key")).venue_id == first.venue_id
    with pytest.raises(Refusal, match="key_reused"):
        await make(house, key="key", request_hash=b"other")
    assert (await make(house)).venue_id != first.venue_id


async def test_who_manages_a_venue_changes_what_they_saw(house):
    row = await make(house)
    for who in (STAN, MIA, MAKER, machine("other")):
        with pytest.raises(Denied, match="forbidden"):
            await house.venues.find_managed(who, row.venue_id)
    venue = await house.venues.find_managed(OLGA, row.venue_id)
    after = await house.venues.edit(venue, VenueChange(name="Barn"), (row.revision,))
    assert (after.name, house.changes) == ("Barn", 1)
    with pytest.raises(Stale):
        await house.venues.edit(venue, VenueChange(name="Hut"), (row.revision,))
    assert (await house.venues.find(row.venue_id)).name == "Barn"


async def test_a_venue_in_use_keeps_its_map_and_is_not_deleted(house):
    row = await make(house)
    await house.catalog.create_event(
        "evt", SETTINGS, venue=row.venue_id, created_by="usr_olga", request_hash=b""
    )
    venue = await house.venues.find_managed(LENA, row.venue_id)
    with pytest.raises(Refusal, match="venue_in_use"):
        await house.venues.edit(venue, VenueChange(map=draw(capacity_map(6))), None)
    with pytest.raises(Refusal, match="venue_in_use"):
        await house.venues.delete(LENA, row.venue_id, None)
    assert (await house.venues.find(row.venue_id)).areas == 1


async def test_a_venue_is_deleted_once_and_gone_for_all(house):
    row = await make(house)
    with pytest.raises(Denied, match="forbidden"):
        await house.venues.delete(STAN, row.venue_id, None)
    for _ in range(2):
        await house.venues.delete(LENA, row.venue_id, None)
    with pytest.raises(Refusal, match="venue_not_found"):
        await house.venues.find(row.venue_id)
    with pytest.raises(Refusal, match="venue_not_found"):
        await house.venues.find_managed(LENA, row.venue_id)
    with pytest.raises(Refusal, match="venue_not_found"):
        await house.venues.delete(LENA, "none", None)


async def test_a_copy_is_for_the_same_organisation_where_one_leads_it(house):
    row = await make(house)
    for who, wanted, organisation in (
        (LENA, None, "org"),
        (MAKER, None, None),
        (ADMIN, "org", "org"),
    ):
        maker = await house.venues.copier_of(who, row, wanted)
        made = await house.venues.copy(maker, row, None, None, b"hash")
        assert (made.organisation, made.name) == (organisation, "Hall")
    with pytest.raises(Denied, match="forbidden"):
        await house.venues.copier_of(STAN, row, None)
    gone = replace(row, venue_id="gone")
    maker = await house.venues.copier_of(LENA, row, None)
    with pytest.raises(Refusal, match="venue_not_found"):
        await house.venues.copy(maker, gone, "Copy", None, b"hash")
