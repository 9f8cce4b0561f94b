"""What worlds with lines are held against: each check fails where it should."""

from types import SimpleNamespace
from typing import Any

import pytest

from inventory import changes as c
from inventory.line.wishes import Wish
from inventory.settings import LineSettings
from tests.naive_line import GRACE_MS, Place, Turn
from tests.scenario import hall, settings_of
from tests.simulation import calm
from tests.simulation.line import checks, rest
from tests.simulation.line.listening import judge_told
from tests.simulation.line.pace import Given, most_a_second, too_fast
from tests.simulation.line.twin import AWAKE_MS, JournalTwin
from tests.simulation.tape import draw
from tests.simulation.world import World, play

HALL = hall("A 1111")
PAUSED = c.LineSet("pause")


def twin_of(mode: str, *places: Place) -> JournalTwin:
    """Return a twin of a line that is drawn, and has these places."""
    twin = JournalTwin(HALL, settings_of(), set())
    twin.mode, twin.drawn, twin.places = mode, True, list(places)
    return twin


def given(decided_s: float, at_s: float = 0.0, because: Any = "line") -> Given:
    """Return a turn that some owner gave."""
    turn = c.TurnGiven(1, "ann", because, 60_000)
    return Given(turn, decided_s, at_s or decided_s, 1)


@pytest.mark.parametrize(("end_s", "waits_s"), [(-3.0, 0.0), (-0.001, 1.999), (5, 7.1)])
def test_a_hold_that_ends_this_very_moment_has_its_time(end_s, waits_s):
    """Seed 439: the last one ended a millisecond before it was looked."""
    ran: list[float] = []
    hold = SimpleNamespace(ends_ms=100_000 + int(1_000 * end_s))
    scheduler = SimpleNamespace(now=100.0, run=ran.append)
    stub: Any = SimpleNamespace(
        database=SimpleNamespace(
            busy=lambda _: False, clock=SimpleNamespace(now_ms=lambda: 100_000)
        ),
        events=["e0"],
        stock=lambda _: SimpleNamespace(holds={"h": hold}),
        plan=SimpleNamespace(deserted=False, latency_s=0.0, commit_s=0.0),
        scheduler=scheduler,
        locals=list,
        owners=lambda _: ["somebody"],
        clients=[],
        at_rest=True,
        violate=pytest.fail,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calm, "restless", lambda _: [])
        calm.run_out(stub)
    assert sum(one - 100.0 for one in ran[:-1]) == pytest.approx(waits_s)


def test_who_loses_a_connection_at_rest_is_found(monkeypatch):
    """Seed 510: nobody has a reason any more to close one, whatever it says."""
    shipped = rest.come_to_rest

    def close_one(of: World) -> None:
        shipped(of)
        writers: Any = of.process.hub.writers
        first = min(writers, key=lambda one: one.number)
        first.close(4008, "you took nothing", 1_000)

    monkeypatch.setattr("tests.simulation.world.come_to_rest", close_one)
    tape = draw(1, 60, lined=True)
    tape.world.deserted = False
    found = play(tape).violations
    assert any("at rest" in one and "4008" in one for one in found)


def test_a_turn_that_is_over_ends_soon_unless_its_owner_stood_still():
    """Seeds 547 and 1990: an owner stood still for ten seconds, and then caught up."""
    twin = twin_of("fifo", Place("ann", None, "t"))
    twin.turns = {"ann": Turn(1, 10_000, None)}
    over_ms = 10_000 + GRACE_MS
    for twin.now_ms in (over_ms - 1, over_ms + 10_000, over_ms + 10_050):
        assert twin.overdue() == []
    for twin.now_ms in range(over_ms + 10_050, over_ms + 10_900, AWAKE_MS):
        assert twin.overdue() == []
    twin.now_ms = over_ms + 11_200
    assert twin.overdue() == ["L16: the turn of rank 1 is over, and open"]


def test_what_is_owed_to_a_line_comes_first():
    waits = Place("ann", Wish(1), "w")
    assert twin_of("list", waits).owes(PAUSED)
    assert not twin_of("list", waits).owes(c.PlaceLimited(1))
    assert not twin_of("list", Place("ann", Wish(5), "w")).owes(PAUSED)
    # In front of a sale so much follows of what was freed, and the rest of the pace.
    twin = twin_of("fifo", waits)
    assert not twin.owes(PAUSED)
    twin.freed_turns = 15
    assert twin.owes(PAUSED)
    twin.freed_turns = 16
    assert not twin.owes(PAUSED)


def test_who_gives_turns_faster_than_may_be_is_found():
    most = most_a_second(LineSettings(mode="fifo", sell_out_s=5), HALL, 0, [])
    assert most == 1.0
    assert too_fast([given(one) for one in range(15)], most) is None
    assert too_fast([given(0.1 * one) for one in range(6)], most) is None
    assert too_fast([given(0.1 * one) for one in range(7)], most) is not None
    assert too_fast([given(0.6 * one) for one in range(17)], most) is not None
    back = [given(0.1, because="returned") for _ in range(20)]
    assert too_fast(back, most) is None


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (((1, 0), (3, 1), (4, 2)), False),
        (((1, 0), (3, 2), (4, 2)), True),
        (((1, 0), (4, 3)), True),
    ],
)
def test_what_is_told_of_a_line_is_held_against_its_journal(told, wrong):
    twin = twin_of("fifo", *(Place(f"u{n}", None, one) for n, one in enumerate("dtw")))
    assert bool(list(judge_told({7: (told, 2)}, 7, twin))) is wrong
    assert list(judge_told({7: (told, 2)}, 8, twin)) == []
    assert list(judge_told({7: (((1, 0),), 3)}, 7, twin)) != []


def test_who_has_a_turn_hears_of_it_unless_that_was_begun_before():
    """Seed 1488: it was written after all faults ended, and its owner never knew."""
    wrong: list[str] = []
    crowd = SimpleNamespace(turns=[], well_s=20.0)
    stub: Any = SimpleNamespace(crowd=crowd, violate=wrong.append)
    checks._check_heard(stub, "e0", [given(19.5, 22.1), given(20.9, 22.1)])
    assert wrong == []
    checks._check_heard(stub, "e0", [given(22.0, 22.1)])
    assert len(wrong) == 1
