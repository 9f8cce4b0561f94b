"""The witness on histories made by hand: it finds each lie, and no truth is one."""

import random
import time
from typing import Any

import pytest
from msgspec.structs import replace

from tests.checkers.history import NEVER
from tests.checkers.illegal import ILLEGAL
from tests.checkers.legal import LEGAL
from tests.checkers.tale import Tale, told


@pytest.mark.parametrize("story", LEGAL, ids=lambda story: story.__name__)
def test_what_an_honest_server_does_is_no_violation(story):
    tale = Tale()
    story(tale)
    assert tale.violations() == []


@pytest.mark.parametrize(
    ("story", "because"), ILLEGAL, ids=[story.__name__ for story, _ in ILLEGAL]
)
def test_each_lie_is_found(story, because):
    tale = Tale()
    story(tale)
    found = tale.violations()
    assert any(because in sentence for sentence in found), found


def test_there_are_twenty_of_each():
    assert len(LEGAL) >= 20
    assert len(ILLEGAL) >= 20


# With the stored outcomes, keys leave no doubt.


def keyed_tale() -> Tale:
    tale = Tale()
    tale.judge(tale.begin("ann", "hold A-1", key="lost"))
    tale.begin("ann", "hold A-2", key="never")
    tale.ask("ann", "hold A-3", key="told")
    return tale


def test_stored_outcomes_agree_with_an_honest_history():
    tale = keyed_tale()
    assert tale.violations(results=tale.results) == []


@pytest.mark.parametrize(
    ("because", "wrong"),
    [
        ("what is stored for its key is None", lambda results: results[:1]),
        ("Nobody asked", lambda results: results[1:]),
        ("two keys", lambda r: [*r, replace(r[0], key="never")]),
        ("never used", lambda r: [*r, replace(r[0], key="foreign")]),
        ("Two outcomes", lambda r: [*r, replace(r[0], version=2)]),
        ("is not what", lambda r: [replace(r[0], key="never"), r[1]]),
    ],
)
def test_stored_outcomes_that_do_not_agree_are_found(because, wrong):
    tale = keyed_tale()
    found = tale.violations(results=wrong(tale.results))
    assert any(because in sentence for sentence in found), found


# At random: what a whole sale says is believed, and any one word of it changed is not.


def random_tale(seed: int, steps: int) -> Tale:
    dice = random.Random(seed)
    tale = Tale(max_per_user=6, hold_ttl_s=20)
    labels = [seat.label for seat in tale.stock.venue.seats]
    waiting: list[Any] = []
    for _ in range(steps):
        user = dice.choice(["ann", "bob", "cat", "dan"])
        mine = list(tale.stock.users[user].holds) if user in tale.stock.users else []
        booked = list(tale.stock.bookings)
        texts = [f"hold {' '.join(dice.sample(labels, dice.randint(1, 3)))}"] * 3
        texts += ["best 2", "hold GA*2", "holding"]
        texts += [f"{dice.choice(['release', 'book', 'extend'])} {h}" for h in mine]
        texts += [f"cancel {dice.choice(booked)}"] if booked else []
        key = f"k{dice.randrange(10**9)}" if dice.random() < 0.2 else None
        operation = tale.begin(user, dice.choice(texts), key)
        fate = dice.random()
        if fate < 0.02:
            continue
        reply = tale.judge(operation)
        if fate < 0.04:
            continue
        waiting.append((operation, reply))
        while waiting and dice.random() < 0.7:
            tale.end(*waiting.pop(dice.randrange(len(waiting))))
        if dice.random() < 0.1:
            tale.tick(dice.choice([0.5, 4, 11]))
    return tale


@pytest.mark.parametrize("seed", range(6))
def test_a_long_honest_history_is_believed(seed):
    tale = random_tale(seed, 1_000)
    assert tale.violations() == []
    assert tale.violations(results=tale.results) == []


@pytest.mark.parametrize("seed", range(12))
def test_a_version_told_wrong_is_found_in_a_long_history(seed):
    tale = random_tale(seed, 300)
    dice = random.Random(seed)
    liars = [
        operation
        for operation in tale.history.operations
        if operation.reply is not None
        and getattr(operation.reply, "code", "") == ""
        # A question may fit the version beside it.
        and type(operation.command).__name__ != "Holding"
        and operation.returned != NEVER
    ]
    liar: Any = dice.choice(liars)
    told(liar, version=liar.reply.version + dice.choice([-1, 1]))
    assert tale.violations() != []


@pytest.mark.slow
def test_it_is_fast_enough_for_every_run():
    tale = random_tale(1, 5_000)
    began = time.process_time()
    assert tale.violations() == []
    rate = len(tale.history.operations) / (time.process_time() - began)
    print(f"{rate:,.0f} operations per second")  # noqa: T201 - a figure for -s
    assert rate > 5_000
