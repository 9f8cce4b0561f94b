"""The table of a gate, and what many gates' scans come to in any order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from persistence.shop.checkin.facts import (
    STANDINGS,
    Green,
    Judged,
    ListSeen,
    TicketSeen,
)
from server.shop.checkin.rules import fold, judge

START = datetime(2026, 11, 30, 18, tzinfo=UTC)
TICKET = TicketSeen("tic_1", "valid", 2, "A-1", "front")
ONCE = ListSeen(reentry=False, open=True, categories=None)
AGAIN = replace(ONCE, reentry=True)

TABLE = [
    # standing, way, once, with re-entry
    ("never", "in", "ok", "ok"),
    ("never", "out", "wrong_list", "not_in"),
    ("in", "in", "already_in", "already_in"),
    ("in", "out", "wrong_list", "ok"),
    ("out", "in", "already_in", "ok"),
    ("out", "out", "wrong_list", "not_in"),
]


@pytest.mark.parametrize(("standing", "way", "once", "again"), TABLE)
def test_a_scan_is_answered_by_where_its_holder_is(standing, way, once, again):
    assert judge(TICKET, 2, ONCE, standing, way) == once
    assert judge(TICKET, 2, AGAIN, standing, way) == again


@pytest.mark.parametrize(
    ("ticket", "generation", "rules", "answer"),
    [
        (replace(TICKET, state="revoked"), 2, ONCE, "revoked"),
        (TICKET, 1, ONCE, "revoked"),
        (TICKET, 3, ONCE, "revoked"),
        (replace(TICKET, state="locked"), 2, ONCE, "locked"),
        (replace(TICKET, state="of another day"), 2, ONCE, "locked"),
        (TICKET, 2, replace(ONCE, categories=["back"]), "wrong_list"),
        (
            replace(TICKET, category=None),
            2,
            replace(ONCE, categories=["back"]),
            "wrong_list",
        ),
        (TICKET, 2, replace(ONCE, open=False), "too_early"),
        (TICKET, 2, replace(ONCE, categories=["front"]), "ok"),
        (replace(TICKET, state="offered"), 2, ONCE, "ok"),
        # The first that is wrong is told.
        (replace(TICKET, state="locked"), 1, replace(ONCE, open=False), "revoked"),
        (TICKET, 2, ListSeen(False, False, []), "wrong_list"),
    ],
)
def test_what_is_no_ticket_of_the_list_lets_nobody_in(
    ticket, generation, rules, answer
):
    for standing in STANDINGS:
        got = judge(ticket, generation, rules, standing, "in")
        assert got == (
            "already_in" if answer == "ok" and standing != "never" else answer
        )


def test_whoever_is_in_gets_out_after_closing():
    assert judge(TICKET, 2, replace(AGAIN, open=False), "in", "out") == "ok"


def green(nonce, second, way="in", *, revoked=False):
    at = START + timedelta(seconds=second)
    return Green(nonce, way, at, at, f"gate {nonce}", "key_1", revoked)


def test_the_earliest_is_the_entry_and_the_others_are_double():
    greens = [green("b", 2), green("a", 3), green("c", 1)]
    for order in permutations(greens):
        folded = fold(order)
        assert folded.standing == "in"
        assert folded.since == green("c", 1)
        assert folded.outcomes == {
            "c": Judged("entry"),
            "b": Judged("double_entry", "c"),
            "a": Judged("double_entry", "c"),
        }


def test_who_comes_back_is_an_entry_once_more():
    folded = fold([green("a", 1), green("b", 2, "out"), green("c", 3), green("d", 4)])
    assert [folded.outcomes[nonce].outcome for nonce in "abcd"] == [
        "entry",
        "exit",
        "entry",
        "double_entry",
    ]
    assert folded.outcomes["d"].other == "c"


def test_a_code_that_was_revoked_is_no_entry_of_its_ticket():
    folded = fold(
        [
            green("old", 1, revoked=True),
            green("new", 2),
            green("left", 3, "out", revoked=True),
        ]
    )
    assert folded.standing == "in"
    assert folded.outcomes == {
        "old": Judged("entered_revoked"),
        "new": Judged("entry"),
        "left": Judged("nothing"),
    }
    assert fold([green("old", 1, revoked=True)]).standing == "never"


def test_nobody_goes_out_who_is_not_in():
    folded = fold([green("a", 1, "out")])
    assert (folded.standing, folded.since) == ("never", None)
    assert folded.last == green("a", 1, "out")
    assert folded.outcomes == {"a": Judged("nothing")}


WAYS = st.sampled_from(["in", "out"])
GREENS = st.lists(st.tuples(st.integers(0, 5), WAYS, st.booleans()), max_size=8).map(
    lambda some: [
        green(f"n{place}", second, way, revoked=revoked)
        for place, (second, way, revoked) in enumerate(some)
    ]
)


@given(GREENS, st.randoms(use_true_random=False))
def test_any_order_comes_to_the_same(greens, chance):
    shuffled = list(greens)
    chance.shuffle(shuffled)
    folded = fold(greens)
    assert fold(shuffled) == folded
    assert set(folded.outcomes) == {one.nonce for one in greens}
    outcomes = [one.outcome for one in folded.outcomes.values()]
    inside = outcomes.count("entry") - outcomes.count("exit")
    assert inside == (1 if folded.standing == "in" else 0)


@given(st.lists(WAYS, max_size=10))
def test_a_scan_that_is_judged_does_what_folding_it_would(ways):
    """What the gate decides with what is known is what all facts come to later."""
    greens: list[Green] = []
    for second, way in enumerate(ways):
        standing = fold(greens).standing
        if judge(TICKET, 2, AGAIN, standing, way) == "ok":
            greens.append(green(f"n{second}", second, way))
            folded = fold(greens)
            assert folded.standing == way
            assert folded.outcomes[f"n{second}"].outcome == (
                "entry" if way == "in" else "exit"
            )
    # And so nothing that was decided here is ever a double entry.
    outcomes = {one.outcome for one in fold(greens).outcomes.values()}
    assert outcomes <= {"entry", "exit"}
