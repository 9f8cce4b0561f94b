"""Lines that were played at random, written and judged without any code of ours."""

from base64 import b64decode
from hashlib import sha256

import pytest

import tests.inventory.line.test_draw as vector
from inventory.line import draw
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options
from tests.server.events.line.verify.naive_line import (
    NaiveLine,
    beacon,
    key_of,
    line_hash_of,
    order_of,
    root_of,
)

SEEDS = range(40)
CHAIN = beacon()["chain"]


def played(seed: int) -> NaiveLine:
    return NaiveLine(seed, entrants=seed * 7 % 41, steps=60)


def judged(line: NaiveLine) -> list[str]:
    return list(check(line.lines(), Options(chain=CHAIN)).lines())


def test_the_naive_rules_are_those_of_the_whole_draw():
    assert root_of(vector.STUBS).hex() == vector.FIXED["root"]
    randomness = sha256(bytes.fromhex(vector.DRAWN["signature"])).digest()
    rules_hash = bytes.fromhex(vector.OPEN["rules_hash"])
    key = key_of(vector.SEED, vector.ROOT, randomness, rules_hash)
    assert key == vector.KEY
    line = order_of(key, sorted(vector.STUBS))
    assert line == draw.split(b64decode(vector.SEGMENT["stubs"]))
    assert line_hash_of(line) == vector.DRAWN["line_hash"]
    late = draw.split(b64decode(vector.LATE["stubs"]))
    assert order_of(key, sorted(late), b"late") == late


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_that_was_played_by_the_rules_is_whole(seed):
    told = judged(played(seed))
    assert told[-1] == "whole", told


@pytest.mark.parametrize("seed", SEEDS)
def test_one_turn_that_is_not_right_is_found(seed):
    line = played(seed)
    wrong = [offer for offer in line.offers() if not line.may_have(*offer)]
    if not wrong:
        # All who are left may have whatever there is: then nobody can be wronged.
        assert not line.ranks("paused")
        return
    line.give(*line.random.choice(wrong))
    told = judged(line)
    assert told[-1] == "broken"
    bad = [one for one in told if one.startswith("BAD")]
    assert [one[:10] for one in bad] == ["BAD turns:"], told


def test_lines_have_turns_of_each_kind_to_judge():
    kinds = set().union(*(played(seed).kinds for seed in SEEDS))
    assert kinds == {(False, False), (True, False), (True, True)}
