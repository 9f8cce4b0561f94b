"""The black-box checker on histories made by hand, one line for each operation.

    1-4 ann hold A-1 = h1        called at second 1, answered at 4 with the token h1
    5-  ann book h1 = ?          nobody knows what became of it

A hold lasts 20 seconds.
"""

import random
import time

import pytest

from inventory.replies import (
    BookOk,
    ExtendOk,
    HeldBooking,
    HeldHold,
    HoldingOk,
    HoldOk,
    Reply,
    Taken,
    TakenOk,
    refuse,
)
from tests.checkers import linearizability
from tests.checkers.history import History
from tests.checkers.legal import LEGAL as HONEST
from tests.checkers.linearizability import (
    NOT_CHECKED_MAX,
    Step,
    Verdict,
    check,
    linearizable,
)
from tests.checkers.tale import Tale
from tests.checkers.test_witness import random_tale
from tests.scenario import ORGANIZER, parse

LEGAL = {
    "nothing": "",
    "one after the other": """
        1-2 ann hold A-1 = h1
        3-4 ann release h1 = A-1
        5-6 bob hold A-1 = h2
        7-8 bob book h2 = b1 A-1
        9-10 bob cancel b1 = A-1
        11-12 ann hold A-1 = h3
    """,
    "who is called later wins": """
        1-6 ann hold A-1 = taken A-1
        2-5 bob hold A-1 = h1
    """,
    "refused for a hold whose answer comes later": """
        1-9 bob hold A-1 = h1
        2-3 ann hold A-1 = taken A-1
    """,
    "two losers around a release": """
        1-2 ann hold A-1 = h1
        3-8 bob hold A-1 = taken A-1
        4-7 ann release h1 = A-1
        5-6 cat hold A-1 = h2
    """,
    "a late look": """
        1-9 ann holding = nothing
        2-3 ann hold A-1 = h1
    """,
    "a look that came in time": """
        1-9 ann hold A-1 = h1
        2-8 ann holding = h1:A-1
    """,
    "an unknown that happened": """
        1- ann hold A-1 = ?
        2-3 bob hold A-1 = taken A-1
    """,
    "an unknown that did not": """
        1- ann hold A-1 = ?
        2-3 bob hold A-1 = h1
    """,
    "an unknown that happens after somebody else had it": """
        1- ann hold A-1 = ?
        2-3 bob hold A-1 = h1
        4-5 bob release h1 = A-1
        6-7 cat hold A-1 = taken A-1
    """,
    "an unknown hold that is booked": """
        1- ann hold A-1 = ?
        3-4 ann holding = h1:A-1
        5-6 ann book h1 = b1 A-1
    """,
    "an unknown booking that its buyer cancels": """
        1-2 ann hold A-1 = h1
        3- ann book h1 = ?
        4-5 ann holding = b1:A-1
        6-7 ann cancel b1 = A-1
        8-9 bob hold A-1 = h2
    """,
    "an unknown release": """
        1-2 ann hold A-1 = h1
        3- ann release h1 = ?
        4-5 bob hold A-1 = h2
    """,
    "an unknown release that did not happen": """
        1-2 ann hold A-1 = h1
        3- ann release h1 = ?
        4-5 bob hold A-1 = taken A-1
        6-7 ann book h1 = b1 A-1
    """,
    "unknown best seats": """
        1- ann best 1 = ?
        2-3 bob hold A-1 = taken A-1
        4-5 bob hold A-2 = h1
    """,
    "a hold that runs out": """
        1-2 ann hold A-1 = h1
        21-22 bob hold A-1 = h2
        23-24 ann book h1 = gone
    """,
    "a hold that is kept a little longer": """
        1-2 ann hold A-1 = h1
        22-23 bob hold A-1 = taken A-1
        24-25 ann book h1 = b1 A-1
    """,
    "an extended hold": """
        1-2 ann hold A-1 = h1
        11-12 ann extend h1 = 20
        28-29 bob hold A-1 = taken A-1
        31-32 bob hold A-1 = h2
    """,
    "a retry": """
        1- ann hold A-1 = ? key
        2-3 bob hold A-1 = taken A-1
        4-5 ann hold A-1 = h1 key
        6-7 ann hold A-1 = h1 key
        8-9 ann book h1 = b1 A-1
    """,
    "off sale and on again": """
        1-2 org block A-1 = A-1
        3-4 bob hold A-1 = taken A-1
        5-6 org unblock A-1 = A-1
        7-8 bob hold A-1 = h1
        9-10 org block A-1 = taken A-1
    """,
    "one of two seats was free": """
        1-2 ann hold A-1 = h1
        3-4 bob hold A-1 A-2 = taken A-1
        5-6 bob hold A-2 = h2
    """,
    "an organiser cancels what nobody was told": """
        1-2 ann hold A-1 = h1
        3- ann book h1 = ?
        4-5 org cancel b1 = A-1
        6-7 bob hold A-1 = h2
    """,
}

ILLEGAL = {
    "lost update": """
        1-2 ann hold A-1 = h1
        3-4 bob hold A-1 = h2
    """,
    "double sale": """
        1-2 ann hold A-1 = h1
        3-4 ann book h1 = b1 A-1
        5-6 bob hold A-1 = h2
        7-8 bob book h2 = b2 A-1
    """,
    "two winners at once": """
        1-4 ann hold A-1 = h1
        2-3 bob hold A-1 = h2
    """,
    "two winners and an unknown release of a third": """
        1-2 ann hold A-1 = h1
        3- ann release h1 = ?
        4-5 bob hold A-1 = h2
        6-7 cat hold A-1 = h3
    """,
    "stale refusal": """
        1-2 ann hold A-1 = h1
        3-4 ann release h1 = A-1
        5-6 bob hold A-1 = taken A-1
    """,
    "stale look": """
        1-2 ann hold A-1 = h1
        3-4 ann holding = nothing
    """,
    "a look that saw what was gone": """
        1-2 ann hold A-1 = h1
        3-4 ann release h1 = A-1
        5-6 ann holding = h1:A-1
    """,
    "a look that saw what was not yet asked": """
        1-2 ann holding = h1:A-1
        3-4 ann hold A-1 = h1
    """,
    "dirty read of an aborted hold": """
        1-4 ann hold A-1 = unavailable
        2-3 bob hold A-1 = taken A-1
    """,
    "double effect of an unknown": """
        1- ann hold A-1 = ?
        2-3 bob hold A-1 = taken A-1
        4-5 org unblock A-1 = taken A-1
        6-7 ann holding = h1:A-1
        8-9 ann release h1 = A-1
        10-11 bob hold A-1 = taken A-1
    """,
    "double effect of an unknown release": """
        1-2 ann hold A-1 = h1
        3- ann release h1 = ?
        4-5 bob hold A-1 = h2
        6-7 ann book h1 = b1 A-1
    """,
    "double effect of a key": """
        1- ann hold A-1 = ? key
        2-3 ann hold A-1 = h1 key
        4-5 ann release h1 = A-1
        6-7 bob hold A-1 = taken A-1
    """,
    "early expiry": """
        1-2 ann hold A-1 = h1
        11-12 bob hold A-1 = h2
    """,
    "early expiry of an extended hold": """
        1-2 ann hold A-1 = h1
        11-12 ann extend h1 = 20
        23-24 bob hold A-1 = h2
    """,
    "booked after expiry": """
        1-2 ann hold A-1 = h1
        31-32 bob hold A-1 = h2
        33-34 ann book h1 = b1 A-1
    """,
    "booked twice": """
        1-2 ann hold A-1 = h1
        3-4 ann book h1 = b1 A-1
        5-6 ann book h1 = b2 A-1
    """,
    "booked though released": """
        1-2 ann hold A-1 = h1
        3-4 ann release h1 = A-1
        5-6 ann book h1 = b1 A-1
    """,
    "a booking lost": """
        1-2 ann hold A-1 = h1
        3-4 ann book h1 = b1 A-1
        5-6 ann holding = nothing
    """,
    "a hold lost": """
        1-2 ann hold A-1 = h1
        3-4 ann book h1 = gone
    """,
    "cancelled twice": """
        1-2 ann hold A-1 = h1
        3-4 ann book h1 = b1 A-1
        5-6 ann cancel b1 = A-1
        7-8 ann cancel b1 = A-1
    """,
    "sold while blocked": """
        1-2 org block A-1 = A-1
        3-4 ann hold A-1 = h1
    """,
    "blocked while sold": """
        1-2 ann hold A-1 = h1
        3-4 org block A-1 = A-1
    """,
    "real time inverted": """
        1-2 ann hold A-1 = taken A-1
        3-4 bob hold A-1 = h1
    """,
    "refused as taken beside a free one that was not": """
        1-2 ann hold A-1 = h1
        3-4 bob hold A-1 A-2 = taken A-2
    """,
    "a partial release of a seat that was kept": """
        1-2 ann hold A-1 A-2 = h1
        3-4 ann release h1 A-1 = A-1
        5-6 bob hold A-2 = h2
    """,
    "somebody else's unknown": """
        1- ann hold A-1 = ?
        2-3 bob holding = h1:A-1
    """,
    "half of a hold": """
        1-2 ann hold A-1 A-2 = h1
        3-4 bob hold A-2 = h2
    """,
}


def read(text: str) -> History:
    """Make a history of the lines; moments are the seconds, doubled."""
    history = History()
    for line in text.strip().splitlines():
        asked, _, told = (part.strip() for part in line.partition(" = "))
        times, user, what = asked.split(maxsplit=2)
        called, _, returned = times.partition("-")
        told, keyed, _ = told.partition(" key")
        history.moment = 2 * int(called) - 1
        operation = history.call(
            user,
            user,
            parse(what),
            organizer=user == ORGANIZER,
            key="k" if keyed else None,
            at_s=float(called),
        )
        if returned:
            history.moment = 2 * int(returned) - 1
            reply = reply_of(what, told)
            history.returned(operation, reply, float(returned))
    return history


def reply_of(what: str, told: str) -> Reply:
    op, *words = what.split()
    first, *labels = told.split()
    if first == "taken":
        refused = refuse("seat_not_free")
        refused.seats = labels
        return refused
    if first in ("gone", "unavailable"):
        return refuse("hold_not_found" if first == "gone" else "unavailable")
    if op == "holding":
        names = [one.partition(":") for one in [first, *labels] if ":" in one]
        mine = [(name, seats.split(",")) for name, _, seats in names]
        return HoldingOk(
            holds=[
                HeldHold(name, 20_000, "", seats, {}, None)
                for name, seats in mine
                if name[0] == "h"
            ],
            bookings=[
                HeldBooking(name, "", seats, {})
                for name, seats in mine
                if name[0] == "b"
            ],
        )
    if op == "hold":
        added = Taken(words, {})
        return HoldOk(
            hold=first,
            expires_in_ms=20_000,
            expires_at="",
            seats=words,
            areas={},
            total=None,
            added=added,
        )
    if op == "extend":
        return ExtendOk(expires_in_ms=int(first) * 1_000, expires_at="")
    if op == "book":
        return BookOk(booking=first, reference="", seats=labels, areas={}, total=None)
    return TakenOk(seats=[first, *labels], areas={})


@pytest.mark.parametrize("name", LEGAL)
def test_a_possible_history_is_believed(name):
    verdict = check(read(LEGAL[name]))
    assert verdict.sentences() == []
    assert verdict.not_checked == 0


@pytest.mark.parametrize("name", ILLEGAL)
def test_an_impossible_history_is_found(name):
    assert check(read(ILLEGAL[name])).violations != []


def test_there_are_twenty_of_each():
    assert len(LEGAL) >= 20
    assert len(ILLEGAL) >= 20


@pytest.mark.parametrize("story", HONEST, ids=lambda story: story.__name__)
def test_it_believes_all_that_the_witness_believes(story):
    tale = Tale()
    story(tale)
    assert check(tale.history).sentences() == []


@pytest.mark.parametrize("seed", range(6))
def test_long_honest_histories_are_believed(seed):
    verdict = check(random_tale(seed, 1_000).history)
    assert verdict.sentences() == []
    assert verdict.checked == 12


def test_a_seat_taken_out_of_a_long_history_is_missed():
    tale = random_tale(3, 600)
    found = 0
    for operation in tale.history.operations:
        reply = operation.reply
        if type(reply) is HoldOk and reply.added.seats:
            kept, reply.added.seats = reply.added.seats, ["C-9"]
            found += bool(check(tale.history, kept).violations)
            reply.added.seats = kept
    assert found > 10


def test_a_search_that_becomes_too_long_counts_as_not_checked(monkeypatch):
    monkeypatch.setattr(linearizability, "CONFIGURATIONS_MAX", 50)
    steps = [Step("take", n, 100, "ann", f"h{n}") for n in range(20)]
    steps += [Step("give", n, 100, "ann", f"h{n}") for n in range(20)]
    assert linearizable(steps, {}) is None


def test_more_than_one_in_a_hundred_not_checked_fails():
    few = Verdict(checked=99, not_checked=1)
    assert few.sentences() == []
    many = Verdict(checked=98, not_checked=2)
    assert NOT_CHECKED_MAX < 2 / 100
    assert many.sentences() == ["2 of 100 seats could not be checked."]


def contended(dice: random.Random) -> list[Step]:
    """A seat's story of sixty operations of which up to eight are under way at once."""
    steps: list[Step] = []
    now = 0
    holder = ""
    for number in range(60):
        now += 2
        called = max(0, now - dice.randrange(14))
        returned = now + dice.randrange(2, 8) if dice.random() < 0.97 else 1 << 60
        if not holder:
            holder = f"h{number}"
            step = Step("take", called, returned, f"u{number}", holder)
        elif dice.random() < 0.2:
            step = Step("give", called, returned, "", holder)
            holder = ""
        else:
            step = Step("sees taken", called, returned, f"u{number}")
        steps.append(step)
    return steps


@pytest.mark.slow
def test_it_is_fast_enough_for_samples():
    dice = random.Random(5)
    stories = [contended(dice) for _ in range(300)]
    never = {f"h{n}": 1 << 60 for n in range(60)}
    began = time.process_time()
    fits = [linearizable(story, never) for story in stories]
    rate = 60 * len(stories) / (time.process_time() - began)
    print(f"{rate:,.0f} seat histories per minute")  # noqa: T201 - a figure for -s
    assert fits.count(True) >= 0.99 * len(stories)
    assert rate > 5_000
