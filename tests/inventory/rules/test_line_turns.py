"""Who is next, what a turn lets one do, and when it is over."""

from inventory.changes import PlaceLimited, TurnEnded, TurnGiven
from inventory.commands import (
    ChangeSale,
    EndTurn,
    Extend,
    ExtendTurn,
    GiveTurn,
    GrantTurn,
    KeepTurns,
    LeaveLine,
    NotePresence,
    SetLine,
    TuneLine,
)
from inventory.line.wishes import Wish
from tests.line_scene import SYSTEM, LineScene
from tests.scenario import NOW_MS, ORGANIZER, hall

HALL = hall("A 11111111", "B 22222222", areas={"GA": (6, "3")})


def opened(mode: str = "fifo", venue=HALL, **others) -> LineScene:
    scene = LineScene(venue, mode, **others)
    scene.open()
    return scene


def test_the_first_whose_wish_fits_is_served_and_who_does_not_fit_keeps_the_place():
    scene = opened(venue=hall("A 1111"))
    scene.join("ann", Wish(5, ("1",)))
    scene.join("bob", Wish(2, ("1",)))
    scene.join("cat", Wish(1))
    assert scene.give()
    assert scene.states() == "wtw"
    assert scene.give()
    assert scene.states() == "wtt"
    assert not scene.give()
    assert scene.code(SYSTEM, scene.make(GiveTurn)) == "nobody_next"


def test_a_wish_is_served_from_the_first_of_its_categories_that_fits():
    scene = opened()
    assert scene.take(ORGANIZER, *[f"A-{n}" for n in range(1, 6)])
    scene.join("ann", Wish(4, ("1", "2")))
    scene.give()
    given = scene.last[-1]
    assert type(given) is TurnGiven
    assert (given.category, given.quantity, given.because) == ("2", 4, "line")
    assert given.prices is not None
    assert len(scene.held_by("ann")) == 4
    assert all(label.startswith("B-") for label in scene.held_by("ann"))


def test_whoever_would_like_any_gets_seats_of_one_category():
    """Two categories in one row: four adjacent seats are of both, and will not do."""
    scene = opened(venue=hall("A 1122"))
    scene.join("ann", Wish(3))
    assert not scene.give()
    scene.join("bob", Wish(2))
    assert scene.give()
    assert scene.line.turns.open.keys() == {"bob"}


def test_places_of_an_area_serve_a_wish():
    scene = opened()
    scene.join("ann", Wish(4, ("3",)))
    scene.join("bob", Wish(3, ("3",)))
    assert scene.give()
    assert not scene.give()
    assert [area.counts() for area in scene.stock.areas] == [(2, 4, 0, 0)]


def test_a_place_in_a_wheelchair_is_for_who_asks_for_one():
    scene = opened(venue=hall("A ww"))
    scene.join("ann", Wish(1))
    scene.join("bob", Wish(1, accessible=True))
    assert scene.give()
    assert scene.states() == "wt"
    assert not scene.give()


def test_who_need_not_sit_together_takes_what_is_there():
    scene = opened(venue=hall("A 1", "B 1", "C 1"))
    scene.join("ann", Wish(3))
    scene.join("bob", Wish(3, together=False))
    assert scene.give()
    assert scene.states() == "wt"


def test_who_may_have_no_more_is_passed_over_and_waits_again_by_itself():
    scene = opened(max_per_user=2, max_per_booking=2, terms={"again": True})
    scene.ok(SYSTEM, scene.make(GrantTurn, user="ann", until_s=600, because="presale"))
    scene.take("ann", "A-1", "A-2")
    scene.join("ann", Wish(1))
    scene.join("bob", Wish(1))
    # Passed over, and noted: the next is for who asks again.
    assert scene.give()
    assert [type(one) for one in scene.last] == [PlaceLimited]
    assert scene.states() == "uw"
    scene.give()
    assert scene.states() == "ut"
    scene.release("ann")
    # In the step that gave back she waits again, and is next for what was freed.
    assert scene.states() == "tt"


def test_how_many_may_choose_follows_what_is_free():
    scene = opened(venue=hall("A 11111111"))
    for number in range(9):
        scene.join(f"u{number}")
    given = 0
    while scene.give():
        given += 1
    # 8 places, 1.6 each, and then some: two.
    assert given == 2
    assert scene.states() == "ttwwwwwww"
    scene.ok(
        SYSTEM,
        scene.make(TuneLine, mean_milli=1_000, variance_milli=0, returning_ppm=0),
    )
    assert scene.give()
    # Who holds something does not choose any more.
    scene.take("u0", "A-1")
    assert scene.line.turns.choosing == {"u1", "u2"}


def test_below_the_floor_turns_go_to_wishes_only():
    scene = opened(venue=hall("A 11111111"), terms={"wish_floor": 8})
    scene.join("ann")
    scene.join("bob", Wish(1))
    assert scene.give()
    assert scene.states() == "tw"
    scene.join("cat")
    assert scene.give()
    assert scene.states() == "ttw"
    assert not scene.give()


def test_who_would_browse_if_there_is_nothing_chooses_among_what_there_is():
    scene = opened(venue=hall("A 1", "B 1", "C 1"))
    scene.join("ann", Wish(2, if_none="browse"))
    scene.join("bob", Wish(2))
    assert scene.give()
    assert scene.states() == "tw"
    given = scene.last[-1]
    assert type(given) is TurnGiven
    assert given.hold is None


def test_who_is_away_is_served_a_wish_but_no_turn_to_choose():
    scene = opened()
    scene.join("ann")
    scene.join("bob", Wish(1))
    scene.ok(SYSTEM, scene.make(NotePresence, away=[1, 2]))
    assert scene.give()
    assert scene.states() == "at"
    assert not scene.give()
    scene.ok(SYSTEM, scene.make(NotePresence, back=[1]))
    assert scene.give()
    assert scene.states() == "tt"


def test_where_nobody_is_served_who_is_away_a_wish_waits_for_its_owner():
    scene = opened(terms={"serve_away": False})
    scene.join("ann", Wish(1))
    scene.ok(SYSTEM, scene.make(NotePresence, away=[1]))
    assert not scene.give()
    scene.ok(ORGANIZER, scene.make(SetLine, serve_away=True))
    assert scene.give()


def test_turns_are_given_while_sale_and_line_go_on_only():
    scene = opened()
    scene.join("ann", Wish(1))
    for stop, go_on in [
        (scene.make(SetLine, act="pause"), scene.make(SetLine, act="resume")),
        (scene.make(ChangeSale, to="pause"), scene.make(ChangeSale, to="resume")),
    ]:
        scene.ok(ORGANIZER, stop)
        assert scene.code(SYSTEM, scene.make(GiveTurn)) == "wrong_state"
        scene.ok(ORGANIZER, go_on)
    assert scene.give()


def test_turns_begin_when_it_was_promised():
    scene = LineScene(HALL)
    scene.open(opens_at_ms=NOW_MS + 60_000)
    scene.join("ann")
    assert scene.code(SYSTEM, scene.make(GiveTurn)) == "wrong_state"
    scene.tick(59.999)
    assert not scene.give()
    scene.tick(0.001)
    assert scene.give()


def test_only_the_system_gives_turns():
    scene = opened()
    scene.join("ann")
    for user in ("ann", ORGANIZER):
        assert scene.code(user, scene.make(GiveTurn)) == "forbidden"
        assert scene.code(user, scene.make(EndTurn, rank=1)) == "forbidden"
    grant = scene.make(GrantTurn, user="bob", until_s=60, because="presale")
    assert scene.code("ann", grant) == "forbidden"
    assert scene.code(ORGANIZER, grant) == "ok"
    assert scene.take("bob", "A-1") in scene.stock.holds


def test_a_turn_that_ran_out_is_over_and_so_is_the_place():
    scene = opened()
    scene.join("ann")
    scene.give()
    scene.tick(184.999)
    # What was sent in time may be queued for five seconds.
    assert scene.take("ann", "A-1") in scene.stock.holds
    scene.release("ann")
    scene.tick(0.001)
    assert scene.states() == "d"
    assert scene.take("ann", "A-1") == "turn_over"
    assert scene.take("bob", "A-1") == "wait_your_turn"
    scene.tick(3_601)
    scene.join("bob")
    scene.give()
    scene.tick(185)
    assert scene.take("ann", "A-1") == "wait_your_turn"


def test_the_actor_itself_ends_no_turn_before_its_time():
    scene = opened()
    scene.join("ann")
    scene.give()
    end = scene.make(EndTurn, rank=1)
    assert scene.code(SYSTEM, end) == "wrong_state"
    scene.now_ms += 184_999
    assert scene.code(SYSTEM, end) == "wrong_state"
    scene.take("ann", "A-1")
    scene.now_ms += 60_000
    assert scene.code(SYSTEM, end) == "wrong_state"
    assert scene.code(SYSTEM, scene.make(EndTurn, rank=2)) == "wrong_state"


def test_a_turn_with_a_hold_lasts_as_long_as_that():
    scene = opened()
    scene.join("ann")
    scene.give()
    token = scene.take("ann", "A-1")
    scene.tick(300)
    assert scene.states() == "t"
    # But nothing more is to be had.
    assert scene.take("ann", "A-2") == "turn_over"
    assert scene.code("ann", scene.make(Extend, hold=token)) == "turn_over"
    scene.tick(306)
    assert scene.states() == "d"


def test_a_booking_ends_the_turn():
    scene = opened()
    scene.join("ann", Wish(2, ("1",)))
    scene.give()
    scene.book("ann")
    assert scene.states() == "d"
    ended = [one for one in scene.last if type(one) is TurnEnded]
    assert [one.why for one in ended] == ["booked"]


def test_the_end_of_the_sale_ends_the_turns_of_those_who_hold_nothing():
    scene = opened()
    scene.join("ann")
    scene.join("bob", Wish(1))
    scene.give()
    scene.give()
    scene.ok(ORGANIZER, scene.make(ChangeSale, to="close"))
    scene.tick(0)
    assert scene.states() == "dt"
    scene.book("bob")
    assert scene.states() == "dd"
    assert scene.take("ann", "A-1") == "sale_closed"


def test_a_turn_is_extended_ten_times_by_a_tenth():
    scene = opened()
    scene.join("ann")
    scene.give()
    until_ms = scene.line.turns.open["ann"].until_ms
    more = scene.make(ExtendTurn)
    for _ in range(10):
        assert scene.code("ann", more) == "ok"
    assert scene.code("ann", more) == "extend_limit"
    assert scene.line.turns.open["ann"].until_ms == until_ms + 180_000
    assert scene.code("bob", more) == "turn_over"
    scene.tick(365)
    assert scene.code("ann", more) == "turn_over"


def test_who_asked_for_more_time_has_double():
    scene = opened()
    scene.feed([("ann", None)], more_time=[1])
    scene.feed([("bob", Wish(1))], more_time=[2])
    scene.give()
    scene.give()
    turns = scene.line.turns.open
    assert turns["ann"].until_ms == NOW_MS + 360_000
    assert turns["bob"].until_ms == NOW_MS + 1_200_000


def test_who_holds_something_of_before_does_not_choose():
    scene = opened()
    grant = scene.make(GrantTurn, user="ann", until_s=600, because="presale")
    scene.ok(SYSTEM, grant)
    scene.take("ann", "A-1")
    scene.join("ann")
    scene.give()
    assert scene.states() == "t"
    assert scene.line.turns.choosing == set()
    scene.release("ann")
    assert scene.line.turns.choosing == {"ann"}
    scene.check_replay()


def test_after_a_recovery_turns_and_their_holds_last_half_a_minute_more():
    scene = opened(terms={"offer_s": 10, "turn_s": 10})
    scene.join("ann")
    scene.join("bob", Wish(1))
    scene.give()
    scene.give()
    scene.now_ms += 9_000
    until_ms = scene.now_ms + 30_000
    scene.ok(SYSTEM, scene.make(KeepTurns, until_ms=until_ms))
    assert {turn.until_ms for turn in scene.line.turns.open.values()} == {until_ms}
    assert scene.stock.holds[scene.hold_of("bob")].ends_ms == until_ms
    scene.tick(29)
    assert scene.states() == "tt"
    scene.tick(7)
    assert scene.states() == "dd"
    scene.check_replay()


def test_who_leaves_in_the_turn_gives_back_what_was_held():
    scene = opened(venue=hall("A 11"))
    scene.join("ann", Wish(2))
    scene.join("bob", Wish(2))
    scene.give()
    assert not scene.give()
    assert scene.code("bob", scene.make(LeaveLine, rank=1)) == "place_not_found"
    scene.ok("ann", scene.make(LeaveLine, rank=1))
    assert scene.states() == "dt"
    assert scene.held_by("bob") == ["A-1", "A-2"]


def test_an_organiser_sells_past_the_line_and_is_counted_elsewhere():
    scene = opened()
    assert scene.take(ORGANIZER, "A-1") in scene.stock.holds
