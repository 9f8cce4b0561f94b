"""A line is opened once, whoever opens it, and promises what can be checked."""

import asyncio
import hmac

import pytest
from msgspec.structs import replace

from inventory.line import draw
from inventory.settings import LineSettings
from server.base.refusals.refusals import CommandRefused, Refusal
from server.events.line.opening import LineOpening, rules_for
from tests.server.events.house import SETTINGS
from tests.server.events.line.room import FIFO, settings, who

pytestmark = pytest.mark.postgres


async def opened(room):
    found = await room.house.events.load("evt")
    return await room.opening.open(found)


async def test_the_first_who_joins_a_waitlist_opens_it(room):
    await room.house.put("evt", capacity=1)
    await room.buy("early", 1)
    assert await room.lines.find("evt") is None
    await room.join("ann")
    row = await room.lines.find("evt")
    assert (row.mode, row.phase, row.draw, row.entries) == ("list", "late", 1, 0)
    rules = draw.rules_of(row.rules.encode())
    assert (rules.event, rules.mode, rules.turn_s) == ("evt", "list", 180)
    assert draw.fault_of(rules) is None
    assert draw.rules_hash_of(rules) == row.rules_hash
    assert draw.commitment_of(row.seed, row.rules_hash) == row.commitment
    key = draw.key_of(row.seed, row.root, draw.NO_RANDOMNESS, row.rules_hash)
    assert (key, draw.entrants_root(())) == (row.order_key, row.root)


async def test_many_open_it_once(room):
    await room.house.put("evt")
    rows = await asyncio.gather(*(opened(room) for _ in range(8)))
    assert len({row.commitment for row in rows}) == 1
    assert {row.phase for row in rows} == {"late"}
    local = await room.house.registry.find("evt")
    # Opening, list and order are three changes, made once.
    changes = await room.house.pool.fetch("SELECT to_version FROM journal")
    assert local.board.version == max(row["to_version"] for row in changes) == 3


async def test_whoever_died_in_between_is_gone_on_for(room):
    """Written and not journaled, and journaled and not open: nobody joins before."""
    await room.house.put("evt")
    found = await room.house.events.load("evt")
    row = await room.lines.begin(await room.opening._new(found, 1))
    assert row.phase == "opening"
    await room.opening._journal(found, row)
    version = found.board.version
    after = await room.opening.open(found)
    assert (after.phase, after.commitment) == ("late", row.commitment)
    assert found.board.version == version == 3


async def test_a_line_that_the_event_refuses_takes_nobody_in(room):
    await room.house.put("evt")
    found = await room.house.events.load("evt")
    new = replace(await room.opening._new(found, 1), commitment=bytes(32))
    await room.lines.begin(new)
    with pytest.raises(Refusal, match="wrong_state"):
        await room.opening.open(found)
    with pytest.raises((Refusal, CommandRefused)):
        await room.desk.join(who("ann"), "evt", room.asked())
    assert await room.house.pool.fetch("SELECT FROM line_entry") == []


async def test_with_a_secret_the_seed_of_a_draw_is_stored_nowhere(room):
    with_draw = LineSettings(opens_at_ms=SETTINGS.starts_at_ms - 10**6)
    await room.house.put("evt", settings(line=with_draw, sale_state="scheduled"))
    opening = LineOpening(room.lines, room.house.clock, "s" * 32, room.beacons)
    found = await room.house.events.load("evt")
    row = await opening.open(found)
    assert (row.phase, row.seed, row.order_key) == ("gathering", None, None)
    named = b"onsale line seed 1\nevt\n1"
    derived = hmac.digest(b"s" * 32, named, "sha256")
    assert opening.seed_of(row) == derived
    assert draw.commitment_of(derived, row.rules_hash) == row.commitment
    with pytest.raises(Refusal, match="wrong_state"):
        LineOpening(room.lines, room.house.clock, "t" * 32, room.beacons).seed_of(row)
    with pytest.raises(Refusal, match="wrong_state"):
        room.opening.seed_of(row)


async def test_a_line_in_front_waits_for_who_opens_it(room):
    by_hand = replace(FIFO, gather_at_ms=None)
    await room.house.put("evt", settings(line=by_hand))
    with pytest.raises(Refusal, match="line_not_open"):
        await room.join("ann")
    await opened(room)
    (ann,) = await room.join("ann")
    assert ann.new


async def test_an_event_without_a_line_opens_none(room):
    await room.house.put("evt", settings(waitlist=False))
    with pytest.raises(Refusal, match="line_not_open"):
        await opened(room)


def test_a_draw_names_the_round_that_comes_after_its_list_is_fixed():
    at_ms = 1_900_000_000_000
    promised = settings(line=LineSettings(opens_at_ms=at_ms), hold_ttl_s=300)
    rules = rules_for("evt", 2, promised, 0, draw.QUICKNET)
    assert rules.closes_at_ms == at_ms - 15_000
    assert draw.fault_of(rules) is None
    assert rules.round is not None
    assert draw.time_of(draw.QUICKNET, rules.round) >= rules.closes_at_ms + 6_000
    # Nothing is held for longer than any hold.
    assert rules.offer_s == 300
    without = settings(line=LineSettings(opens_at_ms=at_ms, beacon=None))
    rules = rules_for("evt", 1, without, 0, None)
    assert (rules.beacon, rules.round, rules.without_beacon) == (
        None,
        None,
        "seed_only",
    )
    assert draw.fault_of(rules) is None
