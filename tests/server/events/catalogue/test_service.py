"""Events as somebody may see and manage them, asked without a request."""

import pytest
from msgspec.structs import replace

from inventory.commands import ChangeSale, DeleteEvent
from server.base.refusals.refusals import CommandRefused, Denied, Refusal
from tests.server.events.house import (
    ADMIN,
    LENA,
    MAKER,
    MIA,
    OLGA,
    SETTINGS,
    STAN,
    machine,
)

pytestmark = pytest.mark.postgres

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
