"""What managers do to a line, and what anybody may know of it."""

import asyncio

import pytest

from inventory.commands import SetLine
from server.base.refusals.refusals import Denied, Refusal
from server.events.line.wire.bodies import line_document
from tests.server.events.line.room import settings, who
from tests.server.identities import LENA, MIA, OLGA

pytestmark = pytest.mark.postgres


@pytest.fixture
async def full(room):
    await room.house.put("evt", capacity=1)
    room.booking = await room.buy("early", 1)
    return room


async def test_what_is_told_before_anybody_waits(full):
    shown = await full.control.show(None, "evt")
    assert (shown.phase, shown.row, shown.counts.joined) == ("waitlist", None, 0)
    told = line_document("evt", "list", shown.phase, shown.row, shown.counts)
    assert (told.rules, told.seed, told.opened_at) == (None, None, None)
    await full.house.put("off", settings(waitlist=False))
    assert (await full.control.show(MIA, "off")).phase == "off"


async def test_phases_that_many_ask_for_at_once_are_one_read(full):
    await full.join("ann")
    event, _ = await full.desk.mine(who("ann"), "evt")
    before = full.control._rows.reads
    phases = await asyncio.gather(*[full.control.phase_of(event) for _ in range(20)])
    assert {*phases} == {"waitlist"}
    assert full.control._rows.reads == before + 1


async def test_everybody_is_counted(full):
    await full.join("ann", "bert", "carl")
    await full.desk.leave(who("carl"), "evt")
    await full.cancel("early", full.booking)
    await full.follow()
    shown = await full.control.show(None, "evt")
    counts = shown.counts
    assert (counts.joined, counts.live, counts.turns) == (3, 2, 1)
    told = line_document("evt", "list", shown.phase, shown.row, counts)
    assert (told.counts.joined, told.counts.waiting, told.counts.turns) == (3, 1, 1)
    assert told.seed == shown.row.seed.hex()
    assert told.rules is not None
    assert told.rules["mode"] == "list"


async def test_a_paused_line_gives_no_turns(full):
    await full.join("ann")
    assert (await full.control.act(LENA, "evt", "pause")).row.paused
    await full.cancel("early", full.booking)
    assert await full.turns("ann") == [None]
    assert not (await full.control.act(OLGA, "evt", "resume")).row.paused
    assert await full.turns("ann") == ["turn"]


async def test_who_is_told_that_they_are_in_is_in_before_it_closes(full):
    await full.join("ann")
    closed = await full.control.act(OLGA, "evt", "close")
    assert (closed.phase, closed.row.phase) == ("over", "over")
    with pytest.raises(Refusal, match="line_over"):
        await full.join("bert")
    await full.cancel("early", full.booking)
    assert await full.turns("ann") == [None]
    assert await full.counts() == (1, 0, 0, 0)


async def test_only_managers_touch_a_line(full):
    await full.join("ann")
    for act in ("pause", "resume", "close"):
        with pytest.raises(Denied):
            await full.control.act(MIA, "evt", act)
    with pytest.raises(Denied):
        await full.control.open(MIA, "evt")
    with pytest.raises(Denied):
        await full.control.managed(MIA, "evt")


async def test_what_is_not_open_is_not_changed(full):
    for act in ("pause", "resume", "close"):
        with pytest.raises(Refusal, match="line_not_open"):
            await full.control.act(OLGA, "evt", act)
    opened = await full.control.open(OLGA, "evt")
    assert opened.row.phase == "late"
    assert (await full.control.open(OLGA, "evt")).row == opened.row


async def test_offers_to_come_last_as_long_as_it_is_set(full):
    await full.control.open(OLGA, "evt")
    command = SetLine(id=0, event="evt", offer_s=60)
    managed = await full.control.managed(OLGA, "evt")
    shown = await full.control.change(managed, command, paused=True)
    assert shown.row.paused
    await full.join("ann")
    await full.cancel("early", full.booking)
    await full.control.act(OLGA, "evt", "resume")
    await full.follow()
    (told,) = [one for batch in full.told for one in batch.turns]
    left_ms = told.deadline_ms - full.house.clock.now_ms()
    assert 0 < left_ms <= 60_000
