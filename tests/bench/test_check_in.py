"""The bench of gates counts right, and can miss its figures."""

from collections import Counter

import pytest

from bench.check_in import (
    BARE,
    ONSALE,
    Door,
    Options,
    Scanned,
    bodies_of,
    conclude,
    entries_of,
)

OPTIONS = Options(rate=10.0, seconds=2.0, warmup=1.0)


@pytest.mark.parametrize("count", [0, 1, 2, 10, 11, 20, 21, 30])
def test_some_tickets_are_scanned_again(count: int) -> None:
    door = Door("evt", "key", [f"code {n}" for n in range(count)])
    bodies = bodies_of(door, count)
    assert len({body["nonce"] for body in bodies}) == len(bodies) == count
    assert len({body["code"] for body in bodies}) == entries_of(count)


def scanned(ms: float, **results: int) -> dict[str, Scanned]:
    return {
        ONSALE: Scanned([ms] * 20, Counter(results), 0.001),
        BARE: Scanned([1.0] * 20, Counter(), 0.0001),
    }


def test_what_is_quick_and_right_is_within_the_figure() -> None:
    outcome = conclude(scanned(3.9, ok=18, already_in=2), 28, OPTIONS, {})
    assert outcome.judged() == []
    assert [row[:2] for row in outcome.rows] == [[ONSALE, "20"], [BARE, "20"]]


@pytest.mark.parametrize(
    ("ms", "results", "inside", "missed"),
    [
        (4.1, {"ok": 20}, 28, "p50"),
        (25.1, {"ok": 20}, 28, "p99"),
        (1.0, {"ok": 19, "unknown": 1}, 28, "unknown"),
        (1.0, {"ok": 20}, 29, "29 are in"),
    ],
)
def test_what_is_slow_or_wrong_is_missed(
    ms: float, results: dict[str, int], inside: int, missed: str
) -> None:
    outcome = conclude(scanned(ms, **results), inside, OPTIONS, {})
    assert any(missed in sentence for sentence in outcome.judged())
