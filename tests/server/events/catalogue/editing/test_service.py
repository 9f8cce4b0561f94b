"""Events edited, copied and withdrawn without a request."""

from datetime import UTC, datetime

import pytest

from inventory.commands import Book, Hold
from inventory.faults import Faults
from inventory.replies import HoldOk
from inventory.venue.own import GA
from persistence.errors import Stale
from server.base.refusals.refusals import CommandRefused, Denied, Refusal
from server.events.catalogue.bodies import EventDuplicate, EventPatch
from tests.server.events.house import House
from tests.server.identities import GUEST, LENA, MIA, STAN

pytestmark = pytest.mark.postgres

LATER = datetime(2035, 1, 1, tzinfo=UTC)


async def edit(
    house: House,
    patch: EventPatch,
    key: str | None = None,
    seen: tuple[int, ...] | None = None,
) -> None:
    event = await house.events.find_managed(LENA, "evt")
    await house.editing.edit(event, patch, Faults(), key, seen)


async def revision(house: House) -> int:
    row = await house.catalog.find_event("evt")
    event = await house.events.load("evt")
    assert row is not None
    return event.board.settings.revision + row.details_revision


async def test_settings_and_what_the_catalogue_tells_are_edited_together(house):
    await house.put("evt")
    await edit(house, EventPatch(name="A lecture", description="On seats", capacity=20))
    event = await house.events.find(None, "evt")
    assert event.board.settings.name == "A lecture"
    assert event.board.counts()["free"] == 20
    row = await house.events.find_row("evt")
    assert row.details.description == "On seats"
    assert house.changes == 1


async def test_of_two_who_saw_the_same_one_edits_the_event(house):
    await house.put("evt")
    seen = (await revision(house),)
    await edit(house, EventPatch(name="Mine"), seen=seen)
    for patch in (EventPatch(name="Yours"), EventPatch(description="Yours")):
        with pytest.raises((Stale, CommandRefused)) as caught:
            await edit(house, patch, seen=seen)
        if isinstance(caught.value, CommandRefused):
            assert caught.value.code == "precondition_failed"
    await edit(house, EventPatch(description="Ours"), seen=(await revision(house),))


async def test_an_edit_under_its_key_is_made_once(house):
    await house.put("evt")
    patch = EventPatch(name="Mine", description="Mine")
    await edit(house, patch, "key")
    await edit(house, EventPatch(name="Next", description="Next"))
    await edit(house, patch, "key")
    event = await house.events.find(None, "evt")
    assert event.board.settings.name == "Next"
    assert (await house.events.find_row("evt")).details.description == "Next"
    with pytest.raises(Refusal, match="key_reused"):
        await edit(house, EventPatch(description="Other"), "key")


async def test_what_is_wrong_with_an_edit_is_told_with_what_was_wrong_before(house):
    await house.put("evt")
    found = Faults()
    found.add("tags", "Too many.")
    event = await house.events.find_managed(LENA, "evt")
    patch = EventPatch(registration="open", ends_at=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(Refusal, match="bad_field") as caught:
        await house.editing.edit(event, patch, found, None, None)
    assert [one.field for one in caught.value.faults] == ["tags", "ends_at"]


async def test_an_event_that_nobody_booked_is_withdrawn_and_the_others_told(house):
    await house.put("evt")
    for who, code in ((STAN, "forbidden"), (MIA, "forbidden")):
        with pytest.raises(Denied, match=code):
            await house.editing.withdraw(who, "evt", None, None)
    held = await house.sales.run(GUEST, Hold(id=0, event="evt", areas={GA: 1}))
    assert isinstance(held, HoldOk)
    await house.sales.run(GUEST, Book(id=0, event="evt", hold=held.hold))
    with pytest.raises(CommandRefused, match="tickets_sold"):
        await house.editing.withdraw(LENA, "evt", None, None)
    assert house.withdrawn == []
    await house.put("other")
    for _ in range(2):
        await house.editing.withdraw(LENA, "other", "key", None)
    assert house.withdrawn == ["other", "other"]
    with pytest.raises(Refusal, match="event_not_found"):
        await house.events.find(LENA, "other")


async def test_a_copy_is_a_draft_of_the_same_organisation(house):
    await house.put("evt")
    event = await house.events.find_managed(LENA, "evt")
    wanted = EventDuplicate(starts_at=LATER)
    made = await house.editing.duplicate(event, wanted, Faults(), "key")
    assert (made.row.organisation, made.row.created_by) == ("org", LENA.user)
    assert (made.settings.name, made.settings.sale_state) == ("A talk", "draft")
    again = await house.editing.duplicate(event, wanted, Faults(), "key")
    assert again.row.event == made.row.event
    with pytest.raises(Refusal, match="key_reused"):
        await house.editing.duplicate(
            event, EventDuplicate(name="Other"), Faults(), "key"
        )
    with pytest.raises(Refusal, match="event_not_found"):
        await house.events.find(MIA, made.row.event)
