"""What a process remembers of its events."""

import pytest

from inventory.commands import Book, Hold
from inventory.venue.own import GA
from server.base.refusals.refusals import CommandRefused
from server.events.cockpit.sampler import about, encode
from tests.server.identities import GUEST, LENA, MIA

pytestmark = pytest.mark.postgres


def hold(count=2):
    return Hold(id=0, event="evt", areas={GA: count})


async def test_what_is_sold_and_lost_is_counted(house, watch):
    held = await house.sales.run(MIA, hold())
    await house.sales.run(GUEST, hold(3))
    watch.look()
    first = await watch.last()
    assert first.owned
    assert (first.free, first.held, first.booked) == (5, 5, 0)
    await house.sales.run(MIA, Book(id=0, event="evt", hold=held.hold))
    with pytest.raises(CommandRefused, match="not_enough_seats"):
        await house.sales.run(MIA, hold(6))
    watch.look()
    second = await watch.last()
    assert (second.at, second.held, second.booked) == (1_002, 3, 2)
    assert second.commands_total >= first.commands_total + 1
    assert second.commits_total > first.commits_total
    assert 0 < second.commit_p50_ms <= second.commit_p99_ms


async def test_who_has_never_seen_an_event_says_so_at_once(watch):
    assert await watch.other.ask(about("evt"), ["a"]) == {"a": encode([])}


async def test_what_is_unloaded_is_forgotten(house, watch):
    await house.events.find(LENA, "evt")
    watch.look()
    assert watch.sampler.rings.keys() == {"evt"}
    assert await house.registry.unload(house.registry.active["evt"])
    watch.look()
    assert not watch.sampler.rings
    assert watch.sampler.seen("evt") == []
