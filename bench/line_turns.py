"""How long giving a turn takes at 20,000 seats with 300 kinds of wishes in the line.

A part of `bench_decide`. Whatever a turn held is given back or, where much is sold,
booked in place of another booking: so the share sold stays what it is, and each turn
finds the line and the house as the one before did.
"""

import random
from time import perf_counter_ns, thread_time_ns
from typing import Any, Final

from msgspec.structs import replace

from inventory.changes import (
    BookingCancelled,
    HoldReleased,
    LineFed,
    TurnEnded,
    TurnGiven,
)
from inventory.commands import DrawLine, FixEntrants, GiveTurn, OpenLine
from inventory.decide import decide
from inventory.line import draw
from inventory.line.wishes import Wish
from inventory.rules.common import Request
from inventory.settings import LineSettings
from inventory.state import Stock
from server.base.ids import RandomIds

WAITING: Final = 40_000
CLASSES: Final = 300
SEED: Final = 3
EVENT: Final = "evt"

Samples = dict[str, list[tuple[int, int]]]


def open_line(stock: Stock, now_ms: int) -> None:
    """Give a stock a line of its own, in front of the sale, with everybody in it."""
    terms = LineSettings(mode="fifo", wish_floor=0)
    stock.settings = replace(stock.settings, line=terms)
    rules = draw.Rules(
        beacon=None,
        beacon_wait_s=60,
        closes_at_ms=None,
        draw=1,
        event=EVENT,
        fix_within_s=6,
        mode="fifo",
        offer_s=terms.offer_s,
        opens_at_ms=now_ms,
        round=None,
        serve_away=True,
        turn_s=terms.turn_s,
        without_beacon="seed_only",
    )
    seed = bytes(32)
    request = Request(stock, "", True, now_ms, RandomIds(), system=True)
    frame: Any = {"id": 1, "event": EVENT, "draw": 1}
    for command in (
        OpenLine(
            **frame,
            rules=draw.text_of(rules).decode(),
            commitment=draw.commitment_of(seed, draw.rules_hash_of(rules)),
            seed=seed,
        ),
        FixEntrants(
            **frame, entries=0, root=draw.entrants_root([]), closed_at_ms=now_ms
        ),
        DrawLine(**frame, seed=seed, line_hash=draw.line_hash_of([])),
    ):
        change, reply = decide(command, request)
        if change is None:
            raise AssertionError(reply)
        stock.apply(change, now_ms)
    _feed(stock, now_ms)


def wishes_of(stock: Stock) -> list[Wish]:
    """Return as many different wishes as there are classes."""
    choose = random.Random(SEED)
    categories = sorted(stock.venue.used_categories)
    found: dict[Wish, None] = {}
    while len(found) < CLASSES:
        some = choose.sample(categories, choose.choice([0, 1, 1, 2, 3]))
        accessible = choose.random() < 0.05
        together = accessible or choose.random() < 0.8
        found[Wish(choose.randint(1, 10), tuple(some), together, accessible)] = None
    return list(found)


def _feed(stock: Stock, now_ms: int) -> None:
    """Feed everybody at once: the order of stubs is not what is measured."""
    choose, wishes = random.Random(SEED), wishes_of(stock)
    numbers = [choose.randint(1, CLASSES) for _ in range(WAITING)]
    change = LineFed(
        1,
        tuple([f"waiting {number}" for number in range(WAITING)]),
        bytes(16 * WAITING),
        b"".join([number.to_bytes(2, "big") for number in numbers]),
        tuple(wishes),
        (),
        1,
    )
    stock.apply(change, now_ms)


def give_turns(stock: Stock, turns: int, clock: str, now_ms: int) -> Samples:
    """Give turns one after the other; return what each took."""
    now_ns = thread_time_ns if clock == "cpu" else perf_counter_ns
    choose = random.Random(SEED)
    request = Request(stock, "", True, now_ms, RandomIds(), system=True)
    samples: Samples = {"give turn": [], "give turn (nobody)": []}
    command = GiveTurn(id=1, event=EVENT)
    bookings = list(stock.bookings)
    choose.shuffle(bookings)
    for _ in range(turns):
        begun = now_ns()
        change, _ = decide(command, request)
        decided = now_ns()
        if change is not None:
            stock.apply(change, now_ms)
        took = decided - begun, now_ns() - begun
        if type(change) is not TurnGiven:
            samples["give turn (nobody)"].append(took)
            _free_a_booking(stock, bookings, now_ms)
            continue
        samples["give turn"].append(took)
        _give_back(stock, change, now_ms)
    return {name: taken for name, taken in samples.items() if taken}


def _give_back(stock: Stock, given: TurnGiven, now_ms: int) -> None:
    hold = given.hold or ""
    stock.apply(HoldReleased(hold, given.seats, given.areas), now_ms)
    stock.apply(TurnEnded(given.rank, given.user, "left"), now_ms)
    stock.touched_seats.clear()


def _free_a_booking(stock: Stock, bookings: list[str], now_ms: int) -> None:
    """Let somebody cancel where nothing fits anybody, so that it goes on."""
    stock.apply(BookingCancelled(bookings.pop()), now_ms)
