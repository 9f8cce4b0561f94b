"""The report of a rehearsal says what happened in it, and is made in a child."""

import msgspec
import pytest

from inventory.line import draw
from server.events.line.rehearsal.people import Mix
from server.events.line.rehearsal.report import Report, Times, rehearse, times_of
from server.events.line.rehearsal.running import RehearsalJob, run, work
from tests.scenario import hall
from tests.server.events.line.rehearsal.stages import stage_of

VENUE = hall(*[f"{row} 1111111111" for row in "ABCDEF"], areas={"GA": (40, "2")})


@pytest.fixture(scope="module")
def report() -> Report:
    return rehearse(stage_of(VENUE), Mix(), 1, 300, 300)


def test_places_people_and_turns_add_up(report):
    assert (report.places, report.people) == (100, 300)
    assert report.sold + report.left == report.places
    assert report.booked_turns <= report.turns
    assert report.returned_turns <= report.turns
    # The others went away, or were given nothing until the end.
    assert report.turns + report.unserved == report.people
    assert sum(one.people for one in report.groups) == report.people
    assert sum(one.served for one in report.groups) == report.turns
    assert report.waited is not None
    assert report.waited.p50 <= report.waited.p90 <= report.waited.p99


def test_it_says_when_all_was_sold_or_nothing(report):
    assert (report.sold_out_s is None) == (report.left > 0)
    few = rehearse(stage_of(VENUE), Mix(), 1, 5, 60)
    assert few.sold_out_s is None
    assert few.left > 80


def test_odds_are_scored_and_what_was_learnt_is_of_these_people(report):
    assert 0 < report.brier < 0.2
    assert report.learnt.kept == pytest.approx(0.75, abs=0.2)
    assert sum(one.told for one in report.words) > 50


def test_suggested_times_are_enough_for_nine_in_ten(report):
    # Half choose within 25 s and check out within 75 s; nine of ten in twice as long.
    assert 54 <= report.suggested.turn_s <= 90
    assert 150 <= report.suggested.offer_s <= 210
    assert report.suggested.sell_out_s <= 900


def test_times_of_nothing_and_of_some():
    assert times_of([]) is None
    assert times_of([3.0]) == Times(3.0, 3.0, 3.0)
    assert times_of(list(range(100))) == Times(50, 90, 99)


def test_bytes_in_and_out_are_the_same_report():
    stage = stage_of(VENUE)
    rules = draw.rules_of(stage.rules.encode())
    job = RehearsalJob(
        rules.event,
        VENUE.map,
        stage.settings,
        stage.rules,
        stage.begins_ms,
        stage.opens_ms,
        (0, 1),
        {0: 10},
        Mix(),
        1,
        60,
        60,
    )
    answer = msgspec.json.decode(work(msgspec.msgpack.encode(job)), type=Report)
    assert answer == run(job)
    assert answer.places == 88
