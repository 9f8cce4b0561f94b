"""Whatever stands in a transcript, there is a verdict, and no stumbling over it."""

from hashlib import sha256
from random import Random
from typing import Any

import pytest

from inventory.line import draw
from inventory.line.canonical import encode
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options
from tests.server.events.line.verify.bending import Json, of, signed, tell, whole

VALUES: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, 7, 9, 14, 4_096, 65_535, 5_000_000),
    *(2**31, 2**53 - 1, 2**53, -1, 1.5, "", "draw", "list", "fifo", "beacon"),
    *("seed_only", "none", "waiting", "left", "ab" * 32, "ab" * 48, "AAAA", "x" * 24),
    *([], {}, [[1, 1]], [1], [1, 2], {"pow": 1}),
]
ROUNDS = range(12)
PER_ROUND = 40


def places_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where there is a value in a document."""
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    else:
        return [path]
    found = [one for key, own in inner for one in places_of(own, (*path, key))]
    return [path, *found] if path else found


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def bend(dice: Random, records: list[Json]) -> None:
    kind = dice.randrange(5)
    at = dice.randrange(len(records))
    if kind == 0:
        records.insert(dice.randrange(1, len(records)), dict(dice.choice(records)))
    elif kind == 1:
        del records[at]
    elif kind == 2:
        other = dice.randrange(len(records))
        records[at], records[other] = records[other], records[at]
    else:
        path = dice.choice(places_of(records[at]))
        put(records[at], path, dice.choice(VALUES))


def sound(records: list[Json]) -> None:
    """Let what follows from rules and list follow again, so that more is looked at."""
    try:
        opened = of(records, "open")
        text = encode(opened["rules"])
        opened["rules_hash"] = sha256(text).hexdigest()
        seed = bytes.fromhex(of(records, "drawn")["seed"])
        opened["commitment"] = draw.commitment_of(
            seed, bytes.fromhex(opened["rules_hash"])
        ).hex()
        tell(records)
    except (LookupError, TypeError, ValueError, AttributeError):
        pass  # It was bent too far for that.
    for number, one in enumerate(one for one in records if "version" in one):
        one["version"] = number


@pytest.mark.parametrize("seed", ROUNDS)
def test_whatever_is_bent_there_is_a_verdict(seed):
    dice = Random(seed)
    verdicts = set()
    for _ in range(PER_ROUND):
        records = whole()
        for _ in range(dice.choice([1, 1, 2, 3])):
            bend(dice, records)
        if dice.random() < 0.7:
            sound(records)
        try:
            lines = signed(records)
        except (LookupError, TypeError):
            continue  # There is no end to count in any more.
        told = list(check(lines, Options(place="x" * 24)).lines())
        verdicts.add(told[-1])
        assert told[0].partition(" ")[2].startswith("form: ")
    assert "broken" in verdicts
