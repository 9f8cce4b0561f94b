"""A rehearsed sale keeps the rules that it rehearses, and is the same each time."""

from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from server.events.line.rehearsal.people import Mix, people_of
from tests.scenario import hall
from tests.server.events.line.rehearsal.stages import big_hall, sale_of, stage_of


def gone_through(seed: int = 3, mode: str = "draw", people: int = 400, **more: Any):
    venue = hall(*[f"{row} 1111111111" for row in "ABCDEFGH"], "I 22222222")
    sale = sale_of(stage_of(venue, mode), seed, people, **more)
    return sale, sale.run()


@pytest.mark.parametrize("mode", ["draw", "fifo"])
def test_the_same_seed_gives_the_same_sale(mode):
    (one, first), (two, second) = [gone_through(mode=mode) for _ in range(2)]
    assert one.stock.hash() == two.stock.hash()
    assert to_builtins(first) == to_builtins(second)
    other, _ = gone_through(seed=4, mode=mode)
    assert other.stock.hash() != one.stock.hash()


def test_all_is_sold_to_those_who_had_a_turn_and_the_state_is_whole():
    sale, notes = gone_through()
    sale.stock.check()
    assert (notes.free, notes.left_waiting > 0) == (0, True)
    assert not sale.stock.holds
    buyers = {one.user for one in sale.stock.bookings.values()}
    assert buyers == notes.booked <= set(notes.turns)
    assert sum(len(one.seats) for one in sale.stock.bookings.values()) == 88
    ranks = [one.rank for one in notes.turns.values()]
    assert len(set(ranks)) == len(ranks)


def test_who_comes_before_the_opening_waits_for_it_and_later_ones_from_when_they_come():
    _, notes = gone_through(mix=Mix(early=0.5))
    assert all(one.at_ms >= notes.opened_ms for one in notes.turns.values())
    assert all(one.waited_s >= 0 for one in notes.turns.values())


def test_nobody_comes_and_nothing_is_sold():
    _, notes = gone_through(people=1, mix=Mix(books=0.0, gone=0.0, wishes=1.0))
    assert (notes.free, len(notes.booked), len(notes.turns)) == (88, 0, 1)


def test_what_is_not_free_today_is_not_sold():
    venue = hall("A 1111111111", areas={"GA": (20, "2")})
    stage = replace(
        stage_of(venue), taken_seats=(0, 1, 2), taken_areas={0: 15}, free=12
    )
    sale = sale_of(stage, 3, 60)
    notes = sale.run()
    assert notes.free == 0
    assert sale.stock.letters[:3] == b"xxx"
    assert sale.stock.areas[0].blocked == 15
    sold = sum(
        len(one.seats) + sum(one.areas.values()) for one in sale.stock.bookings.values()
    )
    assert sold == 12


def test_more_people_sell_as_much_and_more_of_them_go_empty():
    _, few = gone_through(people=60, mode="fifo")
    _, many = gone_through(people=600, mode="fifo")
    assert many.free == 0
    assert many.left_waiting > few.left_waiting


def test_people_are_drawn_from_the_seed_within_the_limits_of_the_event():
    stage = stage_of(big_hall())
    settings = replace(stage.settings, max_per_booking=2)
    drawn = people_of(5, 300, 600, Mix(), stage.venue, settings)
    assert drawn == people_of(5, 300, 600, Mix(), stage.venue, settings)
    assert drawn[:100] == people_of(5, 100, 600, Mix(), stage.venue, settings)
    assert {one.quantity for one in drawn} == {1, 2}
    assert all(one.came_s <= 600 for one in drawn)
    early = sum(one.came_s < 0 for one in drawn)
    assert 0.7 * 300 < early < 0.9 * 300
    keys = {"1", "2", "3"}
    wishes = [one.wish for one in drawn if one.wish is not None]
    assert all(set(wish.categories) <= keys for wish in wishes)
    assert all(len(set(wish.categories)) == len(wish.categories) for wish in wishes)
