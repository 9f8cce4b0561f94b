"""What a rehearsal says: how the sale went, how long people waited, what to set.

Three sales are gone through. The first tells how its people are; the other two know
that, and what they predict is compared with what came: that fits the correction by
which the event's own line says odds.
"""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from server.events.line.odds.watching import Expected
from server.events.line.odds.words import (
    USUAL,
    Calibration,
    brier,
    fitted,
    word_of,
)
from server.events.line.rehearsal.people import Mix, Person, people_of
from server.events.line.rehearsal.sale import RehearsedSale
from server.events.line.rehearsal.stage import Notes, Stage

ROUND_S: Final = 30
"""Times that are suggested are multiples of so many seconds."""

LEAST_S: Final = 60


class Times(Struct, frozen=True):
    """How long something took, in seconds: for half, for nine of ten, for 99 of 100."""

    p50: float
    p90: float
    p99: float


class Group(Struct, frozen=True):
    """People who want so many places: how many there are, and how many were served."""

    quantity: int
    people: int
    served: int


class WordScore(Struct, frozen=True):
    """A word that was told to some, and the share of them for whom it came true."""

    word: str
    told: int
    came: float


class Suggested(Struct, frozen=True):
    """Settings with which nine in ten had the time that they took."""

    turn_s: int
    offer_s: int
    sell_out_s: int


class Report(Struct, frozen=True):
    """What came of a rehearsed sale. Times are seconds after the opening."""

    places: int
    people: int
    sold: int
    left: int
    """Places that nobody had at the end."""
    sold_out_s: float | None
    """When the last place was booked; null where some were left."""
    turns: int
    returned_turns: int
    """Of them those of what was given back."""
    booked_turns: int
    found_nothing: int
    """Who might choose and found not one place."""
    unserved: int
    """Who waited to the end."""
    waited: Times | None
    groups: list[Group]
    turns_per_min_most: int
    checkouts_per_min_most: int
    refused: dict[str, int]
    brier: float
    """Of the odds, with the correction that was found; 0.25 is a coin's."""
    words: list[WordScore]
    learnt: Expected
    suggested: Suggested


def rehearse(stage: Stage, mix: Mix, seed: int, people: int, seconds: int) -> Report:
    """Go through the sales, and return what came of the last."""

    def gone_through(
        own: int, expected: Expected | None
    ) -> tuple[RehearsedSale, list[Person]]:
        drawn = people_of(own, people, seconds, mix, stage.venue, stage.settings)
        sale = RehearsedSale(stage, drawn, seed=own, seconds=seconds, expected=expected)
        sale.run()
        return sale, drawn

    expected = gone_through(seed, None)[0].learnt()
    said: list[tuple[float, bool]] = []
    sale, drawn = gone_through(seed + 1, expected)
    said += _scored(sale.notes)
    sale, drawn = gone_through(seed + 2, expected)
    said += _scored(sale.notes)
    found = fitted(said, USUAL)
    learnt = replace(expected, shift=found.shift, slope=found.slope)
    return report_of(stage, drawn, sale.notes, said, learnt)


def _scored(notes: Notes) -> list[tuple[float, bool]]:
    return [(one.end, notes.served(one.user)) for one in notes.said]


def report_of(
    stage: Stage,
    people: Sequence[Person],
    notes: Notes,
    said: Sequence[tuple[float, bool]],
    learnt: Expected,
) -> Report:
    """Return the report of a sale."""
    calibration = Calibration(learnt.shift, learnt.slope)
    told = [(calibration.chance(raw), came) for raw, came in said]
    by_name = {one.name: one for one in people}
    wanted = Counter(one.quantity for one in people)
    served = Counter(by_name[user].quantity for user in notes.turns)
    sold = stage.free - notes.free
    gone_s = (notes.last_booked_ms - notes.opened_ms) / 1_000
    return Report(
        places=stage.free,
        people=len(people),
        sold=sold,
        left=notes.free,
        sold_out_s=round(gone_s, 1) if not notes.free and notes.booked else None,
        turns=len(notes.turns),
        returned_turns=sum(one.because == "returned" for one in notes.turns.values()),
        booked_turns=len(notes.booked),
        found_nothing=notes.found_nothing,
        unserved=notes.left_waiting,
        waited=times_of([one.waited_s for one in notes.turns.values()]),
        groups=[
            Group(quantity, count, served[quantity])
            for quantity, count in sorted(wanted.items())
        ],
        turns_per_min_most=max(notes.per_minute.values(), default=0),
        checkouts_per_min_most=max(notes.checkouts.values(), default=0),
        refused=dict(sorted(notes.refused.items())),
        brier=round(brier(told), 4) if told else 0.0,
        words=_words_of(told),
        learnt=learnt,
        suggested=_suggested(stage, people, notes),
    )


def times_of(seconds: Sequence[float]) -> Times | None:
    """Return how long half, nine of ten and 99 of 100 took; None of nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return Times(at(0.5), at(0.9), at(0.99))


def _words_of(told: Sequence[tuple[float, bool]]) -> list[WordScore]:
    by_word: dict[str, list[bool]] = {}
    for chance, came in sorted(told):
        by_word.setdefault(word_of(chance), []).append(came)
    return [
        WordScore(word, len(came), round(sum(came) / len(came), 3))
        for word, came in by_word.items()
    ]


def _suggested(stage: Stage, people: Sequence[Person], notes: Notes) -> Suggested:
    """Return times that are enough for nine in ten, in whole half minutes.

    A sale that took longer than it was to take would go as fast with that.
    """
    choosing = times_of([one.choose_s for one in people])
    checkout = times_of([one.checkout_s for one in people])
    terms = stage.settings.line
    sell_out_s = LEAST_S if terms is None else terms.sell_out_s
    if notes.per_minute:
        took_s = LEAST_S * (1 + max(notes.per_minute))
        sell_out_s = min(took_s, max(sell_out_s, LEAST_S))
    return Suggested(
        _rounded(choosing),
        min(_rounded(checkout), stage.settings.hold_ttl_s),
        sell_out_s,
    )


def _rounded(times: Times | None) -> int:
    if times is None:
        return LEAST_S
    return max(LEAST_S, ROUND_S * ceil(times.p90 / ROUND_S))
