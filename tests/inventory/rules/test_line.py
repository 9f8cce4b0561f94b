"""The line as a whole: opened, drawn, fed, led; and that nobody else can."""

from hashlib import sha256
from typing import get_args

import pytest

from inventory import limits
from inventory.changes import LineDrawn, LineOpened, LineSet, RoundPutOff
from inventory.commands import (
    ChangeSale,
    DrawLine,
    FixEntrants,
    LineCommand,
    LineSystemCommand,
    NotePresence,
    PutOffRound,
    SetLine,
    TuneLine,
)
from inventory.decide import _RULES
from inventory.line import draw
from inventory.line.wishes import Wish, told_bytes
from inventory.ports import Ownership
from inventory.replies import Refused
from tests.line_scene import SEED, SYSTEM, LineScene, stub_of
from tests.scenario import NOW_MS, ORGANIZER, hall

HALL = hall("A 11111111")
OWNED = Ownership("evt", "hst", 1, "token", 0, b"")
SIGNATURE = bytes(48)


def listed(scene: LineScene, *users: str, **others) -> FixEntrants:
    stubs = [stub_of(user) for user in users]
    fields = {
        "draw": scene.line.opened.draw,
        "entries": len(stubs),
        "root": draw.entrants_root(stubs),
        "closed_at_ms": scene.line.rules.closes_at_ms,
    }
    command: FixEntrants = scene.make(FixEntrants, **{**fields, **others})
    return command


def drawing(scene: LineScene, *users: str, **others) -> DrawLine:
    opened, fixed = scene.line.opened, scene.line.fixed
    root = bytes(32) if fixed is None else fixed.root
    signature = others.get("signature")
    randomness = draw.NO_RANDOMNESS
    if signature is not None:
        randomness = draw.randomness_of(signature)
    key = draw.key_of(SEED, root, randomness, opened.rules_hash)
    ordered = draw.order_of(key, [stub_of(user) for user in users])
    fields = {
        "draw": opened.draw,
        "seed": SEED,
        "line_hash": draw.line_hash_of(ordered),
    }
    command: DrawLine = scene.make(DrawLine, **{**fields, **others})
    return command


def with_beacon(**others) -> LineScene:
    scene = LineScene(HALL, "draw")
    closes_ms = NOW_MS + 60_000
    fields = {
        "beacon": draw.QUICKNET,
        "round": draw.first_round(draw.QUICKNET, closes_ms + 6_000),
        "closes_at_ms": closes_ms,
        "opens_at_ms": closes_ms + 15_000,
    }
    scene.open(**{**fields, **others})
    return scene


def test_every_command_of_the_line_has_a_rule():
    assert set(get_args(LineCommand)) <= set(_RULES)
    assert set(get_args(LineSystemCommand)) <= set(get_args(LineCommand))


def test_what_is_promised_stands_in_the_journal():
    scene = LineScene(HALL, "draw")
    scene.open()
    (opened,) = scene.last
    assert type(opened) is LineOpened
    assert draw.rules_of(opened.rules.encode()) == scene.line.rules
    assert opened.rules_hash == draw.rules_hash_of(scene.line.rules)
    assert scene.line.drawn is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"draw": 2}, "wrong_state"),
        ({"rules": "{}"}, "bad_field"),
        ({"rules": "not JSON"}, "bad_field"),
        ({"seed": SEED}, "bad_field"),
        ({"former_seed": SEED}, "wrong_state"),
    ],
)
def test_a_draw_that_breaks_the_rules_is_not_opened(change, code):
    scene = LineScene(HALL, "draw")
    command = scene.opening()
    for field, value in change.items():
        setattr(command, field, value)
    assert scene.code(SYSTEM, command) == code


def test_a_seed_that_does_not_open_the_commitment_is_none():
    scene = LineScene(HALL, "fifo")
    command = scene.opening()
    command.seed = bytes(32)
    assert scene.code(SYSTEM, command) == "bad_field"


def test_a_line_is_opened_as_the_event_is_set_to():
    scene = LineScene(HALL, "draw")
    fifo = LineScene(HALL, "fifo").opening()
    assert scene.code(SYSTEM, fifo) == "wrong_state"
    assert scene.code(ORGANIZER, scene.opening()) == "forbidden"
    late = scene.opening(closes_at_ms=NOW_MS, opens_at_ms=NOW_MS)
    assert scene.code(SYSTEM, late) == "wrong_state"
    scene.ok(ORGANIZER, scene.make(ChangeSale, to="close"))
    assert scene.code(SYSTEM, scene.opening()) == "line_over"


def test_every_event_has_a_list_unless_it_wants_none():
    plain = LineScene(HALL, "list", line=None)
    opening = LineScene(HALL, "list").opening()
    assert plain.code(SYSTEM, opening) == "ok"
    none = LineScene(HALL, "list", line=None, waitlist=False)
    assert none.code(SYSTEM, opening) == "wrong_state"


def test_the_list_is_not_fixed_before_it_closes_nor_twice():
    scene = LineScene(HALL, "draw")
    scene.open()
    assert scene.code(SYSTEM, listed(scene, "ann")) == "wrong_state"
    scene.tick(60)
    early = listed(scene, "ann", closed_at_ms=scene.now_ms - 1)
    assert scene.code(SYSTEM, early) == "wrong_state"
    assert scene.code("ann", listed(scene, "ann")) == "forbidden"
    assert scene.code(SYSTEM, listed(scene, "ann", draw=2)) == "wrong_state"
    assert scene.code(SYSTEM, drawing(scene, "ann")) == "wrong_state"
    assert scene.code(SYSTEM, listed(scene, "ann")) == "ok"
    assert scene.code(SYSTEM, listed(scene, "bob")) == "wrong_state"


def test_the_list_is_told_a_second_before_its_round_or_the_round_is_void():
    scene = with_beacon()
    out_ms = draw.time_of(draw.QUICKNET, scene.line.round or 0)
    scene.now_ms = out_ms - 999
    assert scene.code(SYSTEM, listed(scene, "ann")) == "wrong_state"
    put_off = scene.make(PutOffRound, draw=1, why="slow")
    assert scene.code(SYSTEM, put_off) == "ok"
    (change,) = scene.last
    assert type(change) is RoundPutOff
    assert change.round == draw.next_round(draw.QUICKNET, change.void, scene.now_ms, 6)
    assert scene.code(SYSTEM, listed(scene, "ann")) == "ok"
    assert (scene.fixed.round, scene.fixed.round_at_ms) == (
        change.round,
        draw.time_of(draw.QUICKNET, change.round),
    )
    # From now on it stands.
    assert scene.code(SYSTEM, put_off) == "wrong_state"


def test_a_round_is_not_put_off_while_people_join_nor_for_ever():
    scene = with_beacon()
    put_off = scene.make(PutOffRound, draw=1, why="slow")
    assert scene.code(SYSTEM, put_off) == "wrong_state"
    scene.tick(60)
    for _ in range(16):
        assert scene.code(SYSTEM, put_off) == "ok"
    assert scene.code(SYSTEM, put_off) == "wrong_state"


def test_the_order_waits_for_the_round():
    scene = with_beacon()
    scene.tick(60)
    scene.ok(SYSTEM, listed(scene, "ann", "bob"))
    drawn = drawing(scene, "ann", "bob", signature=SIGNATURE)
    assert scene.code(SYSTEM, drawn) == "wrong_state"
    scene.now_ms = scene.fixed.round_at_ms or 0
    # Without the beacon a minute longer.
    bare = drawing(scene, "ann", "bob")
    assert scene.code(SYSTEM, bare) == "wrong_state"
    wrong = drawing(scene, "ann", "bob", signature=SIGNATURE, seed=bytes(32))
    assert scene.code(SYSTEM, wrong) == "wrong_state"
    assert scene.code(SYSTEM, drawn) == "ok"
    (change,) = scene.last
    assert type(change) is LineDrawn
    assert (change.source, change.round) == ("beacon", scene.line.round)
    assert scene.code(SYSTEM, drawn) == "wrong_state"


@pytest.mark.parametrize(
    ("without", "outcome"), [("seed_only", "ok"), ("wait", "wrong_state")]
)
def test_without_the_beacon_it_goes_on_as_the_rules_said(without, outcome):
    scene = with_beacon(without_beacon=without)
    scene.tick(60)
    scene.ok(SYSTEM, listed(scene, "ann"))
    scene.now_ms = (scene.fixed.round_at_ms or 0) + 60_000
    assert scene.code(SYSTEM, drawing(scene, "ann")) == outcome
    if outcome == "ok":
        assert scene.drawn.source == "seed_only"


def gathered() -> LineScene:
    scene = LineScene(HALL, "draw")
    scene.open()
    scene.gather([(f"u{number}", None) for number in range(6)])
    return scene


def test_places_are_fed_once_and_in_order():
    scene = gathered()
    assert scene.code(SYSTEM, scene.feeding([("zoe", None)], step=None)) == "wrong_rank"
    late = scene.joined([("ann", None), ("bob", None), ("cat", Wish(1))])
    assert scene.code(SYSTEM, scene.feeding(late[::-1])) == "wrong_rank"
    assert scene.code(SYSTEM, scene.feeding(late, first_rank=6)) == "wrong_rank"
    assert scene.code(SYSTEM, scene.feeding(late, first_rank=8)) == "wrong_rank"
    assert scene.code(SYSTEM, scene.feeding(late, step=2)) == "wrong_rank"
    assert scene.code(ORGANIZER, scene.feeding(late)) == "forbidden"
    once = scene.feeding(late)
    assert scene.code(SYSTEM, once) == "ok"
    assert scene.batch.batch(OWNED, "b", NOW_MS).ranked == [
        (stub_of(user), rank) for rank, (user, _) in enumerate(late, 7)
    ]
    assert scene.code(SYSTEM, once) == "wrong_rank"
    assert scene.line.fed == 9


def test_entrants_come_before_who_was_late():
    scene = LineScene(HALL, "draw")
    scene.open()
    users = [f"u{number}" for number in range(6)]
    scene.tick(60)
    scene.ok(SYSTEM, listed(scene, *users))
    scene.ok(SYSTEM, drawing(scene, *users))
    key = scene.drawn.key
    by_stub = {stub_of(user): user for user in users}
    ordered = [(by_stub[one], None) for one in draw.order_of(key, by_stub)]
    assert scene.code(SYSTEM, scene.feeding([("zoe", None)])) == "wrong_rank"
    scene.feed(ordered[1:3], step=None)
    # Their rows have their ranks of the draw.
    assert scene.batch.batch(OWNED, "b", NOW_MS).ranked == []
    # The key goes on from one segment to the next.
    before = scene.feeding(ordered[:1], step=None)
    assert scene.code(SYSTEM, before) == "wrong_rank"
    assert scene.code(SYSTEM, scene.feeding(ordered[4:], step=None)) == "ok"


def test_the_last_entrant_comes_before_the_first_who_was_late():
    scene = LineScene(HALL, "draw")
    scene.open()
    scene.tick(60)
    scene.ok(SYSTEM, listed(scene, "ann"))
    scene.ok(SYSTEM, drawing(scene, "ann"))
    assert scene.code(SYSTEM, scene.feeding([("zoe", None)])) == "wrong_rank"
    scene.feed([("ann", None)], step=None)
    scene.feed([("zoe", None)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"stubs": b"x" * 15},
        {"classes": b"\0"},
        {"classes": b"\0\2"},
        {"left": [8]},
        {"left": [7, 7]},
        {"more_time": [1]},
        {"users": []},
    ],
)
def test_places_that_do_not_fit_together_are_refused(wrong):
    scene = gathered()
    command = scene.feeding([("ann", None)], **wrong)
    assert scene.code(SYSTEM, command) == "bad_field"


def test_no_more_new_wishes_are_fed_at_once_than_can_be_told(monkeypatch):
    """Those that the line knows are not told again."""
    scene = gathered()
    late = scene.joined([(f"l{n}", Wish(n, ("1",))) for n in range(1, 5)])
    new = [wish for _, wish in late if wish is not None]
    monkeypatch.setattr(limits, "LINE_WISHES_BYTES_MAX", told_bytes(new) - 1)
    assert scene.code(SYSTEM, scene.feeding(late)) == "bad_field"
    assert scene.line.wishes == []
    scene.feed(late[:3])
    scene.feed([*scene.joined(late, "again")], name="again")
    assert scene.line.wishes == new
    monkeypatch.setattr(limits, "LINE_WISHES_BYTES_MAX", told_bytes(new))
    other = gathered()
    other.feed(late)
    assert other.line.wishes == new


def test_who_left_before_is_fed_as_left():
    scene = gathered()
    scene.feed([("ann", None)], left=[7])
    assert scene.states() == "wwwwwwl"


def test_a_step_of_more_than_one_change_goes_on(monkeypatch):
    monkeypatch.setattr("inventory.limits.LINE_FEED_MAX", 2)
    scene = gathered()
    late = scene.joined([(f"l{number}", None) for number in range(5)])
    scene.feed(late[:2], step=1)
    assert scene.code(SYSTEM, scene.feeding(late[3:], step=3)) == "wrong_rank"
    # In one order through all of it.
    first = scene.joined([(f"m{number}", None) for number in range(40)])
    before = [one for one in first if stub_key(scene, one[0]) < scene.line.last_key]
    assert scene.code(SYSTEM, scene.feeding(before[:1], step=1)) == "wrong_rank"
    scene.feed(late[2:4], step=1)
    scene.feed(late[4:], step=1)
    # It was not full: the step is over.
    assert scene.code(SYSTEM, scene.feeding([("zoe", None)], step=1)) == "wrong_rank"
    scene.feed([("zoe", None)], step=2)


def stub_key(scene: LineScene, user: str) -> bytes:
    stub = stub_of(user)
    return sha256(scene.drawn.key + b"late" + stub).digest() + stub


def test_a_new_draw_does_not_throw_away_what_came_out():
    scene = with_beacon()
    again = scene.opening(
        2, closes_at_ms=NOW_MS + 600_000, opens_at_ms=NOW_MS + 700_000
    )
    assert scene.code(SYSTEM, again) == "wrong_state"
    again.former_seed = bytes(32)
    assert scene.code(SYSTEM, again) == "wrong_state"
    again.former_seed = SEED
    scene.now_ms = draw.time_of(draw.QUICKNET, scene.line.round or 0)
    assert scene.code(SYSTEM, again) == "wrong_state"
    scene.now_ms -= 1
    assert scene.code(SYSTEM, again) == "ok"
    assert scene.line.opened.draw == 2


def test_a_line_is_not_closed_when_its_order_is_known_and_not_drawn():
    """What came out is not thrown away: found by simulation."""
    scene = with_beacon()
    close = scene.make(SetLine, act="close")
    out_ms = draw.time_of(draw.QUICKNET, scene.line.round or 0)
    scene.now_ms = out_ms
    assert scene.code(ORGANIZER, close) == "wrong_state"
    scene.now_ms = out_ms - 1
    assert scene.code(ORGANIZER, close) == "ok"


def test_without_a_round_the_order_is_known_with_the_list():
    scene = with_beacon(beacon=None, round=None)
    scene.now_ms = scene.line.rules.closes_at_ms or 0
    scene.ok(SYSTEM, listed(scene, "ann"))
    assert scene.code(ORGANIZER, scene.make(SetLine, act="close")) == "wrong_state"


def test_a_new_draw_waits_until_nobody_has_a_turn():
    scene = gathered()
    scene.give()
    again = scene.opening(2)
    assert scene.code(SYSTEM, again) == "wrong_state"
    scene.tick(185)
    assert scene.code(SYSTEM, scene.opening(2)) == "ok"
    assert scene.line.fed == 0


def test_what_is_fixed_is_drawn_before_anything_new():
    scene = LineScene(HALL, "draw")
    scene.open()
    scene.tick(60)
    scene.ok(SYSTEM, listed(scene, "ann"))
    again = scene.opening(2)
    again.former_seed = SEED
    assert scene.code(SYSTEM, again) == "wrong_state"


def test_organisers_lead_the_line_and_nobody_else():
    scene = LineScene(HALL, "fifo")
    pause = scene.make(SetLine, act="pause")
    assert scene.code(ORGANIZER, pause) == "line_not_open"
    scene.open()
    assert scene.code("ann", pause) == "forbidden"
    assert scene.code(ORGANIZER, scene.make(SetLine)) == "bad_field"
    assert scene.code(ORGANIZER, scene.make(SetLine, turn_s=60, offer_s=90)) == "ok"
    scene.join("ann")
    scene.join("bob", Wish(1))
    scene.give()
    scene.give()
    turns = scene.line.turns.open
    assert turns["ann"].until_ms == scene.now_ms + 60_000
    assert turns["bob"].until_ms == scene.now_ms + 90_000
    version = scene.stock.version
    scene.ok(ORGANIZER, scene.make(SetLine, act="resume"))
    assert scene.stock.version == version
    scene.ok(ORGANIZER, scene.make(SetLine, act="message", message="m1"))
    (told,) = scene.last
    assert type(told) is LineSet
    assert told.message == "m1"


def test_a_closed_line_is_over():
    scene = LineScene(HALL, "fifo")
    scene.open()
    scene.join("ann")
    scene.give()
    scene.ok(ORGANIZER, scene.make(SetLine, act="close"))
    scene.tick(0)
    assert scene.states() == "d"
    assert scene.code(ORGANIZER, scene.make(SetLine, act="close")) == "ok"
    assert scene.code(ORGANIZER, scene.make(SetLine, act="pause")) == "line_over"
    assert scene.code(SYSTEM, scene.feeding([("bob", None)])) == "line_over"
    assert scene.take("bob", "A-1") == "line_over"


def test_presence_is_noted_where_it_changes_anything():
    scene = LineScene(HALL, "fifo")
    note = scene.make(NotePresence, away=[3, 1, 1, 9], back=[2])
    assert scene.code(SYSTEM, note) == "wrong_state"
    scene.open()
    for user in ("ann", "bob", "cat"):
        scene.join(user)
    assert scene.code("ann", note) == "forbidden"
    scene.ok(SYSTEM, note)
    assert scene.states() == "awa"
    version = scene.stock.version
    scene.ok(SYSTEM, note)
    assert scene.stock.version == version


def test_the_guard_is_tuned_by_the_system():
    scene = LineScene(HALL, "fifo")
    tune = scene.make(TuneLine, mean_milli=2_000, variance_milli=0, returning_ppm=9)
    assert scene.code(SYSTEM, tune) == "wrong_state"
    scene.open()
    assert scene.code(ORGANIZER, tune) == "forbidden"
    scene.ok(SYSTEM, tune)
    line = scene.line
    assert (line.mean_milli, line.variance_milli, line.returning_ppm) == (2_000, 0, 9)


def test_a_refusal_says_what_comes_next():
    scene = gathered()
    reply = scene.ask(SYSTEM, scene.feeding([("zoe", None)], first_rank=9))
    assert isinstance(reply, Refused)
    assert reply.detail == "Rank 7 comes next."
