"""How the people of the demo behave, with a server that says what it is told to."""

import asyncio
from random import Random
from time import monotonic
from typing import Any

import pytest

from server.ops.demo.ledger import Purchase
from server.ops.demo.line.ledger import LineLedger
from server.ops.demo.line.person import KINDS, Hall, Kind, Person
from server.ops.demo.line.story import Story
from server.transport.client.board import Board

BOOKED = {"op": "ok", "booking": "b", "reference": "R", "areas": {}}


class Scripted:
    """A connection that answers by a script, and keeps what was sent."""

    def __init__(self, **answers: Any) -> None:
        self.sent: list[str] = []
        self.answers = answers
        self.places: list[list[dict[str, Any]]] = []
        self.at_wait: Any = lambda: None

    async def ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        self.sent.append(frame["op"])
        if frame["op"] == "wait":
            self.at_wait()
        answer: dict[str, Any] = self.answers[frame["op"]]
        return answer

    command = ask

    async def get(self, path: str) -> dict[str, Any]:
        assert path == "/v1/line/entries"
        self.sent.append("look")
        return {"items": self.places.pop(0)}

    async def close(self) -> None:
        self.sent.append("close")


def hall() -> Hall:
    board = Board(100, {})
    said: list[str] = []
    story = Story(said.append)
    labels = [f"A-{number}" for number in range(100)]
    made = Hall("e", labels, ["a"], board, LineLedger(), story, pace=0.0)
    made.said = said  # type: ignore[attr-defined]
    return made


def person(kind: Kind, where: Hall, line: Scripted, number: int = 0) -> Person:
    made = Person(number, kind, where, Random(1))
    made.line = line  # type: ignore[assignment]
    return made


JOINED = {"op": "ok", "place": "p", "rank": None, "phase": "gathering"}


def waits(rank: int, state: str = "waiting") -> dict[str, Any]:
    return {"op": "ok", "state": state, "rank": rank, "phase": "open"}


def turn(op: str, seats: list[str], rank: int = 4) -> dict[str, Any]:
    return {"op": op, "rank": rank, "hold": "h", "seats": seats, "areas": {}}


def test_a_sleeper_has_no_connection_until_seats_are_held_and_then_books(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr("server.ops.demo.line.person.asyncio.sleep", at_once)
    where = hall()
    line = Scripted(
        join_line=JOINED, wait=waits(4, "turn"), book={**BOOKED, "seats": ["A-1"]}
    )
    sleeper = person("sleeps", where, line)
    seats = [f"A-{n}" for n in range(sleeper._wish["quantity"])]  # type: ignore[index]
    line.answers["book"] = {**BOOKED, "seats": seats}
    line.places = [[{"state": "joined"}], [{"state": "waiting"}], [{"state": "turn"}]]
    line.at_wait = lambda: sleeper.hear(turn("turn", seats))
    where.board.letters[:] = b"b" * 100  # late: nobody thinks better of it
    asyncio.run(sleeper.run(0))
    assert line.sent == ["join_line", "close", *["look"] * 3, "wait", "book"]
    assert where.ledger.problems == []
    assert (where.ledger.slept, where.ledger.wishes) == (1, 1)
    assert list(where.ledger.purchases) == ["b"]
    (told,) = where.said  # type: ignore[attr-defined]
    assert told.startswith("Rank 4 sleeps")
    assert where.story.place == "p"


def test_another_rank_after_a_reload_is_a_problem() -> None:
    where = hall()
    one = person("chooses", where, Scripted())
    one.hear(
        {"op": "line_drawn", "beacon": None, "seed": "", "line_hash": "", "rank": 3}
    )
    one._ranked(3)
    assert where.ledger.problems == []
    one._ranked(2)
    assert where.ledger.problems == ["Person 0 was rank 3 and is 2."]


def test_more_people_ahead_after_a_reload_is_a_problem() -> None:
    where = hall()
    aheads = [5, 6]
    line = Scripted(wait=waits(9), place={"op": "ok", "ahead": 5})
    one = person("reloads", where, line)
    line.at_wait = lambda: line.answers["place"].update(ahead=aheads.pop(0))
    asyncio.run(one._reload())
    assert where.ledger.problems == [
        "Person 0 had 5 ahead, and 6 after a reload.",
    ]
    assert where.ledger.reloaded == 1


def test_other_seats_than_wished_for_are_a_problem() -> None:
    where = hall()
    one = person("wishes", where, Scripted())
    seats = [f"A-{n}" for n in range(one._wish["quantity"] + 1)]  # type: ignore[index]
    one._compare_with_wish(turn("turn", seats))
    assert len(where.ledger.problems) == 1


def test_seats_count_as_given_on_only_where_they_were_given_back() -> None:
    where = hall()
    one = person("wishes", where, Scripted())
    quantity = one._wish["quantity"]  # type: ignore[index]
    seats = [f"A-{n}" for n in range(quantity)]
    one._compare_with_wish(turn("offer", seats))
    assert where.ledger.given_on == 0
    one._gives_back(seats)
    one._turned_at = monotonic()
    one._compare_with_wish(turn("offer", seats))
    assert where.ledger.given_on == quantity
    assert len(where.ledger.returned_ms) == 1
    one._compare_with_wish(turn("offer", seats))
    assert where.ledger.given_on == quantity


def test_an_offer_is_on_the_screen_when_it_came_and_not_when_somebody_looks() -> None:
    where = hall()
    one = person("wishes", where, Scripted())
    seats = [f"A-{n}" for n in range(one._wish["quantity"])]  # type: ignore[index]
    where.given_back = dict.fromkeys(seats, 5.0)
    one._turned_at = 5.25
    one._compare_with_wish(turn("offer", seats))
    assert where.ledger.returned_ms == [250.0]
    sleeper = person("sleeps", where, Scripted())
    where.given_back = dict.fromkeys(seats, 5.0)
    sleeper._compare_with_wish(turn("offer", seats))
    assert len(where.ledger.returned_ms) == 1


def offered(where: Hall, given_back: dict[str, float], fits_from: float) -> list[float]:
    """Offer two seats at 9 s, and return which times were measured, in ms."""
    one = person("wishes", where, Scripted())
    one._wish = {"quantity": 2}
    one._fits_from, one._turned_at = fits_from, 9.0
    where.given_back |= given_back
    one._compare_with_wish(turn("offer", ["A-1", "A-2"]))
    return where.ledger.returned_ms


def test_what_fitted_nobody_at_first_is_timed_from_the_wish_that_it_fits() -> None:
    both = {"A-1": 2.0, "A-2": 3.0}
    assert offered(hall(), both, fits_from=1.0) == [6000.0]
    assert offered(hall(), both, fits_from=8.5) == [500.0]
    # Who hears of the rank by the offer itself was fed nobody knows when.
    assert offered(hall(), both, fits_from=9.5) == []


def test_nothing_is_timed_whose_other_half_came_back_nobody_knows_when() -> None:
    where = hall()
    assert offered(where, {"A-1": 2.0}, fits_from=1.0) == []
    assert where.ledger.given_on == 1


@pytest.mark.parametrize("code", ["ok", "hold_expired"])
def test_what_somebody_had_since_or_did_not_give_back_is_not_timed(code: str) -> None:
    where = hall()
    where.board.letters[:] = b"f" * 100
    line = Scripted(
        hold={"op": "ok", "hold": "h", "seats": ["A-1"]},
        hold_best={"op": "ok", "hold": "h", "seats": ["A-1"]},
        release={"op": "ok"} if code == "ok" else {"op": "error", "code": code},
    )
    one = person("chooses", where, line)
    where.given_back = {"A-1": 2.0, "A-2": 3.0}
    assert asyncio.run(one._choose()) == "h"
    assert where.given_back == {"A-2": 3.0}
    asyncio.run(one._release("h"))
    assert ("A-1" in where.given_back) is (code == "ok")
    assert where.ledger.problems == []


def test_hearing_of_a_turn_notes_when() -> None:
    one = person("wishes", hall(), Scripted())
    one.hear({"op": "bye"})
    assert one._turned_at == 0.0
    one.hear(turn("offer", ["A-1"]))
    assert one._turned_at == one._heard_at > 0


def test_who_is_far_behind_what_is_left_does_not_wish_for_it() -> None:
    where = hall()
    line = {"op": "line", "phase": "waitlist", "version": 1, "next": 100}
    frame = {**line, "left": {"a": 30}}
    near, far = (person("chooses", where, Scripted()) for _ in range(2))
    near.rank, far.rank = 399, 400
    assert near._hopes(frame)
    assert not far._hopes(frame)


def test_each_kind_of_person_is_among_any_twenty() -> None:
    assert len(KINDS) == 20
    assert {*KINDS} == {"chooses", "wishes", "sleeps", "late", "reloads", "goes"}


def test_what_is_given_back_may_be_somebody_elses_at_once() -> None:
    ledger = LineLedger()
    ledger.add(
        1, {"booking": "b1", "reference": "R", "seats": ["A"], "areas": {"G": 2}}
    )
    assert ledger.give_back("b1") == Purchase(1, "R", ["A"], {"G": 2})
    ledger.add(2, {"booking": "b2", "reference": "R", "seats": ["A"], "areas": {}})
    assert ledger.problems == []
    assert ledger.places == 1


def test_the_quantile_of_nothing_is_not_known() -> None:
    ledger = LineLedger()
    assert ledger.quantile_ms(0.5) is None
    ledger.returned_ms = [float(n) for n in range(1, 101)]
    assert ledger.quantile_ms(0.5) == 51
    assert ledger.quantile_ms(0.99) == 100
