"""What a forecast says of lines that one can reckon by hand."""

from itertools import pairwise

import pytest

from inventory.commands import Block, NotePresence, PausePlace
from inventory.line.wishes import Wish
from server.events.line.odds.forecast import Forecast, chance_of
from server.events.line.odds.making import ForecastMaking, Habits, stretches
from server.events.line.odds.watching import habits_of
from server.events.line.odds.words import ORDER, Calibration
from tests.line_scene import SYSTEM, LineScene
from tests.scenario import ORGANIZER, hall


def habits(**more) -> Habits:
    fields = {
        "kept": 1.0,
        "mean": 2.0,
        "variance": 0.0,
        "common": 0.0,
        "holding": 0.0,
        "known": True,
        "calibration": Calibration(0.0, 1.0),
    }
    return Habits(**{**fields, **more})


def forecast_of(scene: LineScene, **more) -> Forecast:
    making = ForecastMaking(scene.stock, scene.line, 7, scene.now_ms, habits(**more))
    for _ in making.steps():
        pass
    return making.forecast()


def waiting(venue, *wishes, **terms) -> LineScene:
    """A line in front of a sale, in which nobody had a turn yet."""
    scene = LineScene(venue, terms=terms)
    scene.open()
    scene.feed(
        scene.joined([(f"u{number}", wish) for number, wish in enumerate(wishes, 1)])
    )
    return scene


AREA = hall("A 1", areas={"GA": (100, "2")})
ONE = Wish(1, ("2",))


def test_a_hundred_of_two_hundred_have_one_of_a_hundred_places():
    forecast = forecast_of(waiting(AREA, *[ONE] * 200))
    chances = [forecast.raw(rank, ONE).end for rank in range(1, 201)]
    assert all(later < sooner + 0.01 for sooner, later in pairwise(chances))
    assert chances[89] > 0.99
    assert chances[99] == pytest.approx(0.5, abs=0.25)
    assert chances[112] < 0.15
    assert forecast.told(51, ONE).wanted == 50
    assert forecast.told(51, ONE).left == 100


def test_where_half_comes_back_twice_as_many_have_one():
    forecast = forecast_of(waiting(AREA, *[ONE] * 250), kept=0.5)
    assert forecast.raw(150, ONE).end > 0.99
    assert forecast.raw(240, ONE).end < 0.1
    # At one's turn those before may still hold what they give back.
    slow = forecast_of(waiting(AREA, *[ONE] * 250), kept=0.5, holding=120)
    assert slow.raw(150, ONE).end > 0.99
    assert slow.raw(150, ONE).turn < 0.1


def test_who_cannot_be_served_has_no_chance_and_nobody_is_certain():
    forecast = forecast_of(waiting(AREA, ONE))
    assert forecast.raw(1, Wish(2, ("1",))).end == 0.0
    assert forecast.chances(1, Wish(101, ("2",))).end == 0.0
    assert forecast.chances(1, ONE).end < 1.0
    assert forecast.told(1, Wish(2, ("1",))).odds_end == ORDER[0]


def test_a_second_category_helps_and_takes_from_those_who_want_it():
    venue = hall("A 1", areas={"GA": (50, "2"), "B": (50, "3")})
    both = Wish(1, ("2", "3"))
    alone = forecast_of(waiting(venue, *[Wish(1, ("2",))] * 60))
    assert alone.raw(60, Wish(1, ("2",))).end < 0.1
    assert alone.raw(60, both).end > 0.99
    assert alone.others(60, Wish(1, ("2",)))["3"] == "very_likely"
    crowded = forecast_of(waiting(venue, *[both] * 150))
    assert crowded.raw(150, Wish(1, ("3",))).end < 0.05
    assert crowded.raw(80, both).end > 0.9


def test_groups_need_what_rows_do_not_leave_over():
    together, apart = Wish(5), Wish(5, together=False)
    rows = hall(*[f"{row} 11111" for row in "ABCDEFGH"])
    forecast = forecast_of(waiting(rows, *[Wish(1)] * 20))
    assert forecast.raw(16, together).end < forecast.raw(16, apart).end - 0.2
    # An area has no rows.
    area = forecast_of(waiting(AREA, *[ONE] * 92))
    same = [area.raw(92, Wish(5, ("2",), flag)).end for flag in (True, False)]
    assert same[0] == same[1]


def test_what_returns_goes_to_wishes_and_not_to_who_chooses():
    scene = waiting(AREA, *[None, ONE] * 60, wish_floor=0)
    forecast = forecast_of(scene, kept=0.5, mean=1.0)
    assert forecast.wished
    # All that those before ever hold is 1 each, of 101.
    assert forecast.raw(60, None).end > 0.99
    assert forecast.raw(116, None).end < 0.1
    assert forecast.raw(116, ONE).end > 0.99
    nobody = forecast_of(waiting(AREA, *[None] * 120), kept=0.5, mean=1.0)
    assert not nobody.wished
    assert nobody.raw(116, None).end > 0.5


def test_below_the_floor_nobody_chooses():
    forecast = forecast_of(waiting(AREA, *[None] * 90, wish_floor=40), mean=1.0)
    assert forecast.raw(50, None).end > 0.99
    assert forecast.raw(80, None).end < 0.15


def test_who_is_gone_takes_half_as_often_and_paused_ones_too():
    scene = waiting(AREA, *[None] * 150)
    before = forecast_of(scene, mean=1.0).raw(110, None).end
    scene.ok(SYSTEM, scene.make(NotePresence, away=list(range(1, 81))))
    user = scene.line.user_of(90)
    assert user is not None
    scene.ok(user, scene.make(PausePlace, rank=90))
    after = forecast_of(scene, mean=1.0)
    assert before < 0.2
    assert after.raw(110, None).end > 0.99
    # They are before one all the same.
    assert after.told(110, None).wanted == 109


def test_wheelchair_places_are_counted_apart():
    venue = hall("A wc111", "B 11111")
    forecast = forecast_of(waiting(venue, *[Wish(1)] * 8))
    special = {one.accessible: one.free for one in forecast.supplies}
    assert special == {True: 2, False: 8}
    assert forecast.raw(8, Wish(1, accessible=True)).end > 0.9


def test_what_is_blocked_is_not_there():
    scene = waiting(AREA, *[ONE] * 50)
    scene.ok(ORGANIZER, scene.make(Block, areas={"GA": 80}))
    forecast = forecast_of(scene)
    assert forecast.told(30, ONE).left == 20
    assert forecast.raw(30, ONE).end < 0.15


def test_stretches_cover_the_line_from_the_first_who_waits():
    scene = waiting(AREA, *[ONE] * 2_000)
    ranks = stretches(scene.line, 101, habits())
    assert (ranks[0], ranks[-1]) == (1, 2_001)
    assert ranks == sorted(set(ranks))
    assert len(ranks) <= 60
    # They are dense where odds change.
    assert max(b - a for a, b in pairwise(ranks) if b <= 100) <= 4
    forecast = forecast_of(scene)
    assert forecast.raw(1_999, ONE).end < 0.001


def test_without_anybody_there_is_a_forecast():
    scene = LineScene(AREA)
    scene.open()
    forecast = forecast_of(scene)
    assert forecast.raw(1, ONE).end > 0.99
    assert forecast.told(1, ONE).wanted == 0


def test_before_fifty_turns_there_are_facts_and_no_words():
    scene = waiting(AREA, *[ONE] * 120)
    assert not habits_of(scene.stock, scene.line, None, None).known
    forecast = forecast_of(scene, known=False)
    told = forecast.told(30, ONE)
    assert (told.odds, told.odds_end, told.wanted, told.left) == (None, None, 29, 100)
    assert forecast.others(30, Wish(1, ("1",))) == {}
    for _ in range(50):
        scene.give()
    for number in range(1, 121):
        if f"u{number}" in scene.line.turns.open:
            scene.book(f"u{number}")
    assert habits_of(scene.stock, scene.line, None, None).known


def test_what_is_hardly_possible_is_not_impossible():
    """L26: none is said of what has no room at all, and of nothing else."""
    assert 0 < chance_of(1, 1_000, 0, 1, 0.0) < 1e-9
