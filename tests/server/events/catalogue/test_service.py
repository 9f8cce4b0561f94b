"""Events as somebody may see and manage them, asked without a request."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from inventory.commands import ChangeSale, DeleteEvent
from inventory.faults import Faults
from server.base.identity import Identity
from server.base.refusals.refusals import CommandRefused, Denied, Refusal
from server.events.catalogue.bodies import EventCreate
from tests.server.events.house import SETTINGS, House
from tests.server.identities import ADMIN, LENA, MAKER, MIA, OLGA, STAN, machine

pytestmark = pytest.mark.postgres

LATER = datetime(2035, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
DRAFT = replace(SETTINGS, sale_state="draft")


async def test_an_event_is_found_by_all_and_a_draft_by_those_who_run_it(house):
    await house.put("evt")
    await house.put("draft", DRAFT)
    everybody = (None, MIA, STAN, OLGA, ADMIN, machine("org"), machine("other"))
    for who in everybody:
        assert (await house.events.find(who, "evt")).organisation == "org"
    for who in (STAN, LENA, OLGA, ADMIN, machine("org")):
        assert (await house.events.find(who, "draft")).id == "draft"
        assert (await house.events.find_shown_row(who, "draft")).event == "draft"
    for who in (None, MIA, MAKER, machine("other")):
        for search in (house.events.find, house.events.find_shown_row):
            with pytest.raises(Refusal, match="event_not_found"):
                await search(who, "draft")


async def test_whoever_does_not_see_an_event_loads_nothing_of_it(house):
    await house.put("draft", DRAFT)
    await house.put("gone", replace(SETTINGS, deleted=True))
    await house.put("evt")
    searches = (house.events.find, house.events.find_managed)
    for who in (MIA, MAKER, machine("other")):
        for search in searches:
            for event in ("draft", "gone"):
                with pytest.raises(Refusal, match="event_not_found"):
                    await search(who, event)
            with pytest.raises(Refusal, match="event_not_found"):
                await search(who, "draft", deleted=True)
        with pytest.raises(Refusal, match="event_not_found"):
            await house.events.find_managed(who, "gone", deleted=True)
        with pytest.raises(Denied, match="forbidden"):
            await house.events.find_managed(who, "evt")
    assert (house.registry.active, house.hub.events) == ({}, {})
    assert house.registry.venues.bytes() == 0
    await house.events.find(OLGA, "draft")
    assert list(house.registry.active) == ["draft"]


async def test_whoever_does_not_see_a_draft_keeps_it_from_nobody_s_memory(house):
    await house.put("draft", DRAFT)
    local = (await house.events.find(OLGA, "draft")).local
    local.used = False
    with pytest.raises(Refusal, match="event_not_found"):
        await house.events.find(MIA, "draft")
    assert not local.used
    await house.events.find(OLGA, "draft")
    assert local.used


@pytest.mark.parametrize("search", ["find", "find_shown_row"])
async def test_what_was_published_is_there_at_once_though_its_row_is_kept(
    house, search
):
    await house.put("evt", DRAFT)
    managed = await house.events.find_managed(OLGA, "evt")
    publish = ChangeSale(id=0, event="evt", to="publish")
    await house.events.order(managed, publish, None)
    # As where another process has it: here only its row is known.
    assert await house.registry.unload(managed.local)
    assert (await house.rows.find("evt")).settings.sale_state == "draft"
    assert await getattr(house.events, search)(MIA, "evt")


async def test_what_is_not_there_is_not_found(house):
    for search in (house.events.find, house.events.find_shown_row):
        with pytest.raises(Refusal, match="event_not_found"):
            await search(ADMIN, "evt")


async def test_who_manages_an_event_gives_it_orders(house):
    await house.put("evt", DRAFT)
    event = await house.events.find_managed(LENA, "evt")
    assert event.who == LENA
    publish, cancel = (
        ChangeSale(id=0, event="evt", to="publish"),
        ChangeSale(id=0, event="evt", to="cancel"),
    )
    for command, state in ((publish, "on_sale"), (cancel, "cancelled")):
        await house.events.order(event, command, None)
        assert event.board.settings.sale_state == state
    late = ChangeSale(id=0, event="evt", to="publish")
    with pytest.raises(CommandRefused, match="wrong_state"):
        await house.events.order(event, late, None)


async def test_who_sees_an_event_does_not_manage_it(house):
    await house.put("evt")
    for who in (STAN, MIA, MAKER, machine("other")):
        with pytest.raises(Denied, match="forbidden"):
            await house.events.find_managed(who, "evt")


async def test_what_has_no_organisation_is_managed_by_its_maker(house):
    await house.put("evt", organisation=None, maker=MAKER.user)
    assert (await house.events.find_managed(MAKER, "evt")).maker == MAKER.user
    with pytest.raises(Denied, match="forbidden"):
        await house.events.find_managed(OLGA, "evt")


async def test_a_deleted_event_is_found_where_that_is_asked_for(house):
    await house.put("evt")
    event = await house.events.find_managed(OLGA, "evt")
    await house.events.order(event, DeleteEvent(id=0, event="evt"), "key")
    for who in (OLGA, MIA):
        with pytest.raises(Refusal, match="event_not_found"):
            await house.events.find(who, "evt")
    assert (await house.events.find(MIA, "evt", deleted=True)).id == "evt"
    managed = await house.events.find_managed(OLGA, "evt", deleted=True)
    # The same order again, under its key, is done.
    await house.events.order(managed, DeleteEvent(id=0, event="evt"), "key")
    with pytest.raises(Refusal, match="event_not_found"):
        await house.events.find_managed(STAN, "evt", deleted=True)


def talk(**values: Any) -> EventCreate:
    return EventCreate(name="A talk", starts_at=LATER, capacity=3, **values)


async def make(house: House, who: Identity, new: EventCreate, key: str | None = None):
    sellers: list[str] = []
    made = await house.events.create(who, new, Faults(), key, sold_by=sellers.append)
    return made.row, sellers


async def test_an_event_is_made_for_whom_one_leads(house):
    row, sellers = await make(house, LENA, talk(organisation="org", tags=("Jazz",)))
    assert (row.organisation, row.created_by) == ("org", LENA.user)
    assert row.details.tags == ("jazz",)
    assert sellers == ["org"]
    own, sellers = await make(house, MAKER, talk())
    assert (own.organisation, sellers) == (None, [])
    theirs, _ = await make(house, machine("org"), talk())
    assert theirs.organisation == "org"
    for who, organisation in ((STAN, "org"), (MIA, "org"), (MAKER, "org"), (MIA, None)):
        with pytest.raises(Denied, match="forbidden"):
            await make(house, who, talk(organisation=organisation))


async def test_an_event_is_made_once_under_its_key(house):
    first, _ = await make(house, MAKER, talk(), "key")
    again, _ = await make(house, MAKER, talk(), "key")
    assert again == first
    with pytest.raises(Refusal, match="key_reused"):
        await make(house, MAKER, talk(description="Another"), "key")
    other, _ = await make(house, MAKER, talk())
    assert other.event != first.event


async def test_all_that_is_wrong_with_an_event_is_told_at_once(house):
    past = EventCreate(name="A talk", starts_at=LONG_AGO, venue="none")
    with pytest.raises(Refusal, match="bad_field") as caught:
        await make(house, MAKER, past)
    assert [one.field for one in caught.value.faults] == ["venue", "starts_at"]
    # What was wrong before comes with it, and nobody is asked whose it is to be.
    found = Faults()
    found.add("name", "Too long.")
    with pytest.raises(Refusal, match="bad_field") as caught:
        await house.events.create(MIA, talk(), found, None, sold_by=[].append)
    assert [one.field for one in caught.value.faults] == ["name"]


async def test_steps_of_a_sale_are_for_who_manages_the_event(house):
    await house.put("evt", DRAFT)
    with pytest.raises(Denied, match="forbidden"):
        await house.events.take_step(STAN, "evt", "publish", None)
    event = await house.events.take_step(LENA, "evt", "publish", None)
    assert event.board.settings.sale_state == "on_sale"
