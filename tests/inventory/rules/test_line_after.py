"""What follows of a change by itself: in its own step, before anybody else."""

from random import Random

import pytest

from inventory.changes import HoldBooked, TurnGiven
from inventory.commands import (
    Block,
    Book,
    CancelPart,
    ChangeSale,
    Configure,
    Hold,
    HoldBest,
    RecastWishes,
    Release,
    SetLine,
    SetWish,
    Unblock,
)
from inventory.line.wishes import Wish
from inventory.settings import SettingsPatch
from tests.line_scene import SYSTEM, LineScene, code_of
from tests.scenario import NOW_MS, ORGANIZER, hall


def sold_out(*wishes: Wish, mode: str = "list", **others) -> LineScene:
    """Eight seats that ann holds, and bob, cat … who wait for some."""
    scene = LineScene(hall("A 11111111"), mode, **others)
    scene.open()
    labels = [f"A-{number}" for number in range(1, 9)]
    asked = scene.make(Hold, seats=labels)
    scene.ok(ORGANIZER if mode != "list" else "ann", asked)
    for user, wish in zip(["bob", "cat", "dan", "eve"], wishes, strict=False):
        scene.join(user, wish)
    return scene


def given(scene: LineScene) -> list[tuple[str, str]]:
    found = [one for one in scene.last if type(one) is TurnGiven]
    return [(one.user, one.because) for one in found]


def test_a_part_that_is_released_goes_to_the_first_whom_it_fits():
    scene = sold_out(Wish(3), Wish(2), Wish(1))
    token = scene.hold_of("ann")
    scene.ok("ann", scene.make(Release, hold=token, seats=["A-1", "A-2"]))
    assert given(scene) == [("cat", "returned")]
    assert scene.states() == "wtw"


def test_what_runs_out_goes_to_the_next():
    scene = sold_out(Wish(8), Wish(2))
    scene.tick(605)
    assert scene.states() == "tw"
    assert len(scene.held_by("bob")) == 8
    # And from him to the next, who did not take it.
    scene.tick(605)
    assert scene.states() == "dt"


def test_what_is_cancelled_goes_to_the_next_and_not_back_to_who_cancelled():
    scene = sold_out(Wish(8), Wish(8))
    scene.release("ann")
    booking = scene.book("bob")
    scene.cancel("bob", booking)
    assert given(scene) == [("cat", "returned")]
    assert scene.states() == "dt"


def test_a_part_that_is_cancelled_goes_to_the_next():
    scene = sold_out(Wish(1))
    booking = scene.book("ann")
    part = scene.make(CancelPart, booking=booking, seats=["A-4"])
    replies = scene.send("ann", part)
    scene.mailbox[-1].system = True
    scene.turn()
    assert replies[0].version == scene.stock.version - 1
    assert scene.held_by("bob") == ["A-4"]


def test_what_is_unblocked_goes_to_the_line_before_the_next_command():
    scene = LineScene(hall("A 1111"), "list")
    scene.open()
    labels = [f"A-{number}" for number in range(1, 5)]
    scene.ok(ORGANIZER, scene.make(Block, seats=labels))
    scene.join("bob", Wish(2))
    scene.send(ORGANIZER, scene.make(Unblock, seats=labels))
    late = scene.send("zoe", scene.make(HoldBest, quantity=4))
    scene.turn()
    assert scene.states() == "t"
    assert code_of(late[0]) == "not_enough_seats"


def test_more_capacity_goes_to_the_line():
    scene = LineScene(hall(areas={"GA": (4, "1")}), "list", capacity=4)
    scene.open()
    scene.ok("ann", scene.make(Hold, areas={"GA": 4}))
    scene.join("bob", Wish(2))
    scene.join("cat", Wish(3))
    patch = SettingsPatch(capacity=7)
    scene.ok(ORGANIZER, scene.make(Configure, patch=patch))
    assert given(scene) == [("bob", "returned")]


def test_in_a_list_who_joins_or_wishes_for_what_is_free_has_it_at_once():
    scene = sold_out(Wish(2))
    token = scene.hold_of("ann")
    scene.ok("ann", scene.make(Release, hold=token, seats=["A-1"]))
    assert scene.states() == "w"
    scene.join("cat", Wish(1))
    assert given(scene) == [("cat", "line")]
    scene.ok("ann", scene.make(Release, hold=token, seats=["A-8"]))
    scene.ok("bob", scene.make(SetWish, rank=1, wish=Wish(1)))
    assert given(scene) == [("bob", "line")]


def test_in_a_list_giving_back_an_offer_is_the_end_of_it():
    scene = sold_out(Wish(8), Wish(8))
    scene.release("ann")
    scene.release("bob")
    assert scene.states() == "dt"
    assert scene.held_by("cat") != []


def test_in_front_of_a_sale_who_gives_back_may_choose_something_else():
    scene = sold_out(Wish(8), mode="fifo")
    scene.release(ORGANIZER)
    assert scene.states() == "t"
    scene.release("bob")
    assert scene.states() == "t"
    assert scene.take("bob", "A-1") in scene.stock.holds


def test_in_front_of_a_sale_so_many_follow_of_one_change_and_no_more():
    scene = LineScene(hall("A " + "1" * 30), "fifo", max_per_booking=30)
    scene.open()
    labels = [f"A-{number}" for number in range(1, 31)]
    scene.ok(ORGANIZER, scene.make(Block, seats=labels))
    for number in range(20):
        scene.join(f"u{number}", Wish(1))
    scene.ok(ORGANIZER, scene.make(Unblock, seats=labels))
    assert len(given(scene)) == 16
    assert scene.drain.owed == 0
    # The rest is the conductor's.
    assert scene.give()


def test_a_list_goes_on_until_nobody_fits():
    scene = LineScene(hall("A " + "1" * 30), "list", max_per_booking=30)
    scene.open()
    labels = [f"A-{number}" for number in range(1, 31)]
    scene.ok(ORGANIZER, scene.make(Block, seats=labels))
    for number in range(20):
        scene.join(f"u{number}", Wish(1))
    scene.ok(ORGANIZER, scene.make(Unblock, seats=labels))
    assert len(given(scene)) == 20


def test_the_outcome_of_a_key_is_that_of_its_own_version():
    scene = sold_out(Wish(8))
    release = scene.make(Release, hold=scene.hold_of("ann"))
    first = scene.ask("ann", release, "k")
    assert first.version == scene.stock.version - 1
    (result,) = scene.batch.results
    assert result.version == first.version
    again = scene.ask("ann", release, "k")
    assert again == first
    assert scene.last == []


def test_nothing_is_offered_while_the_sale_rests_or_once_the_event_began():
    scene = sold_out(Wish(1), Wish(1))
    scene.ok(ORGANIZER, scene.make(ChangeSale, to="pause"))
    token = scene.hold_of("ann")
    scene.ok("ann", scene.make(Release, hold=token, seats=["A-1"]))
    assert scene.states() == "ww"
    scene.ok(ORGANIZER, scene.make(ChangeSale, to="resume"))
    assert scene.states() == "tw"
    scene.ok(ORGANIZER, scene.make(SetLine, act="pause"))
    scene.ok("ann", scene.make(Release, hold=token, seats=["A-2"]))
    assert scene.states() == "tw"
    scene.ok(ORGANIZER, scene.make(SetLine, act="resume"))
    assert scene.states() == "tt"
    scene.ok(ORGANIZER, scene.make(ChangeSale, to="close"))
    scene.tick(605)
    assert scene.states() == "dd"

    begun = sold_out(Wish(1), starts_at_ms=NOW_MS + 60_000)
    begun.now_ms = NOW_MS + 60_000
    begun.release("ann")
    assert begun.states() == "w"


def test_twelve_places_one_sold_another_cancelled_are_eleven_free():
    scene = LineScene(hall(areas={"GA": (12, "1")}), "list", capacity=12)
    scene.open()
    bookings = {}
    for user in ("ann", "bob"):
        scene.ok(user, scene.make(Hold, areas={"GA": 1}))
        bookings[user] = scene.book(user)
    scene.cancel("bob", bookings["bob"])
    assert scene.stock.areas[0].counts() == (11, 0, 1, 0)


def test_several_bookings_of_one_batch_end_several_turns():
    scene = LineScene(hall("A 11111111"), "fifo")
    scene.open()
    for user in ("ann", "bob"):
        scene.join(user, Wish(2))
        scene.give()
    for user in ("ann", "bob"):
        scene.send(user, scene.make(Book, hold=scene.hold_of(user)))
    scene.turn()
    assert [type(one) for one in scene.last].count(HoldBooked) == 2
    assert scene.states() == "dd"
    assert [news.why for news in scene.batch._turns_over] == ["booked", "booked"]


def test_what_is_asked_of_the_actor_alone_is_refused_to_the_system_of_another_line():
    scene = LineScene(hall("A 1"), "fifo")
    recast = scene.make(RecastWishes)
    assert scene.code(ORGANIZER, recast) == "forbidden"
    assert scene.code(SYSTEM, recast) == "wrong_state"
    scene.open()
    assert scene.code(SYSTEM, recast) == "wrong_state"


def wide(people: int, **terms) -> LineScene:
    """Thirty seats in front of which so many wait who wish for one each."""
    scene = LineScene(hall("A " + "1" * 30), "fifo", max_per_booking=30, **terms)
    scene.open()
    for number in range(people):
        scene.join(f"u{number}", Wish(1))
    return scene


def returned_in(scene: LineScene) -> list[str]:
    """Return who had a turn of what came back."""
    changes = [one for one, _ in scene.journal if type(one) is TurnGiven]
    return [one.user for one in changes if one.because == "returned"]


def test_one_seat_that_comes_back_is_one_turn_whatever_else_is_free():
    """Or the house would be sold past its pace, by who takes and gives back."""
    scene = wide(12)
    assert scene.give()
    scene.release("u0")
    assert given(scene) == [("u1", "returned")]
    scene.tick(605)
    assert returned_in(scene) == ["u1", "u2"]
    assert scene.states().count("w") == 9


def test_what_comes_back_goes_to_who_chooses_where_they_are_first():
    """The lowest rank that may be served, as at any turn; not below the floor."""
    for floor, first in ((0, "u1"), (30, "u2")):
        terms = {"wish_floor": floor}
        scene = LineScene(hall("A " + "1" * 30), "fifo", terms=terms)
        scene.open()
        scene.ok(ORGANIZER, scene.make(Block, seats=["A-30"]))
        scene.join("u0", Wish(1))
        assert scene.give()
        scene.join("u1")
        scene.join("u2", Wish(1))
        scene.release("u0")
        assert given(scene) == [(first, "returned")]


@pytest.mark.parametrize("seed", range(12))
def test_turns_of_returns_are_never_more_than_what_came_back(seed):
    """L29: beyond the pace there is a turn for each place that came back, at most."""
    random, scene = Random(seed), wide(24)
    came_back = asked = 0
    for _ in range(60):
        holders = [one for one in scene.line.turns.open if scene.held_by(one)]
        chance = random.random()
        if chance < 0.3 or not holders:
            asked += scene.give()
        elif chance < 0.7:
            user = random.choice(holders)
            came_back += len(scene.held_by(user))
            scene.release(user)
        elif chance < 0.9:
            user = random.choice(holders)
            count = len(scene.held_by(user))
            booking = scene.book(user)
            if random.random() < 0.5:
                scene.cancel(user, booking)
                came_back += count
        else:
            came_back += sum(len(scene.held_by(one)) for one in holders)
            scene.tick(605)
    assert asked
    assert len(returned_in(scene)) <= came_back
