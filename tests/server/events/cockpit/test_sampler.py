"""What a process remembers of its events."""

import pytest

from inventory.commands import Book, Hold, Release
from inventory.venue.own import GA
from server.base.refusals.refusals import CommandRefused
from server.events.cockpit.sampler import about, encode
from server.events.cockpit.seconds import KEPT_S
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
    assert (first.refused_total, second.refused_total) == ({}, {"not_enough_seats": 1})


async def test_what_is_given_back_is_counted(house, watch):
    held = await house.sales.run(MIA, hold())
    watch.look()
    assert (await watch.last()).released_total == 0
    await house.sales.run(MIA, Release(id=0, event="evt", hold=held.hold))
    watch.look()
    last = await watch.last()
    assert (last.released_total, last.held, last.expired_total) == (1, 0, 0)


async def test_payments_that_failed_are_counted_for_ten_minutes(house, watch):
    await house.events.find(LENA, "evt")
    watch.look()
    for _ in range(2):
        watch.sampler.payment_failed("evt")
    watch.look()
    assert (await watch.last()).payments_failed == 2
    watch.clock.at += KEPT_S
    watch.look()
    assert (await watch.last()).payments_failed == 0


async def test_what_failed_here_of_an_event_that_is_elsewhere_is_told_and_forgotten(
    watch,
):
    watch.sampler.payment_failed("far")
    watch.look()
    (told,) = watch.sampler.seen("far")
    assert (told.payments_failed, told.owned, told.knows_places) == (1, False, False)
    watch.clock.at += KEPT_S
    watch.look()
    watch.look()
    assert not watch.sampler.rings


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
