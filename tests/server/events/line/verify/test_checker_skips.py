"""Nobody is passed over who could have had the very same seats."""

from typing import Any

import pytest

from tests.server.events.line.verify.bending import (
    TURN,
    UNTIL,
    Bend,
    Json,
    all_of,
    bad,
    bent,
    judged,
    of,
    put,
)


def wish(records: list[Json], class_: int, **members: Any) -> None:
    of(records, "segment")["wishes"][class_ - 1].update(members)


def waits_on() -> Bend:
    """Nobody's turn; rank 2 (class 1) and rank 3 (class 2) wait, rank 5 has class 1."""

    def bend(records: list[Json]) -> None:
        before = {"head", "earlier", "open", "round", "fixed", "joins", "drawn"}
        kept = before | {"segment", "sale", "end"}
        records[:] = [record for record in records if record["type"] in kept]
        of(records, "end").update(over=False)
        of(records, "end")["counts"].update(
            ended={"booked": 0, "left": 0, "ran_out": 0, "sale": 0},
            late=0,
            open=0,
            turns=0,
            waiting=7,
        )

    return bend


def given(**turn: Any) -> Bend:
    def bend(records: list[Json]) -> None:
        until = {"at_ms": 1_694_775_620_000, "version": 29, "until_ms": UNTIL}
        records.insert(-1, {**TURN, **until, **turn})
        of(records, "end")["counts"].update(turns=1, open=1, waiting=6)

    return bend


WITH_SEATS = {"category": "2", "quantity": 2}


def wishes(**second: Any) -> Bend:
    return lambda records: wish(records, 2, **second)


def stays_away(rank: int) -> Bend:
    def bend(records: list[Json]) -> None:
        away = {"type": "presence", "away": [rank], "back": []}
        records.insert(-1, {**away, "at_ms": 1_694_775_615_000, "version": 27})

    return bend


@pytest.mark.parametrize(
    ("bends", "verdict"),
    [
        # Rank 2 would take 1 or 2, rank 3 only 2; both want two together.
        ([given(rank=3, **WITH_SEATS)], "broken"),
        ([stays_away(2), given(rank=3, **WITH_SEATS)], "whole"),
        ([given(rank=2, **WITH_SEATS)], "whole"),
        ([wishes(quantity=3), given(rank=3, category="2", quantity=3)], "whole"),
        ([wishes(accessible=True), given(rank=3, **WITH_SEATS)], "whole"),
        # Who need not sit together gets what those before cannot use.
        ([wishes(together=False), given(rank=3, **WITH_SEATS)], "whole"),
        (
            [
                lambda records: wish(records, 1, together=False),
                given(rank=3, **WITH_SEATS),
            ],
            "broken",
        ),
        ([wishes(categories=["3"]), given(rank=3, category="3", quantity=2)], "whole"),
        ([wishes(categories=[]), given(rank=3, category="7", quantity=2)], "whole"),
        ([wishes(categories=[]), given(rank=3, category="1", quantity=2)], "broken"),
        (
            [
                lambda records: wish(records, 1, categories=[]),
                given(rank=3, **WITH_SEATS),
            ],
            "broken",
        ),
        # Alone one sits together anyway.
        (
            [
                lambda records: wish(records, 1, quantity=1),
                wishes(quantity=1, together=False),
                given(rank=3, category="2", quantity=1),
            ],
            "broken",
        ),
        # To choose: those without a wish come first, and one's own kind.
        ([given(rank=1)], "whole"),
        ([given(rank=4)], "broken"),
        ([given(rank=2)], "broken"),
        ([wishes(if_none="browse"), stays_away(1), given(rank=3)], "whole"),
        ([wishes(if_none="browse"), given(rank=3)], "broken"),
        # Away: seats only, and only where the rules say so.
        ([stays_away(2), given(rank=2, **WITH_SEATS)], "whole"),
        ([stays_away(1), given(rank=1)], "broken"),
    ],
)
def test_nobody_is_passed_over_who_could_have_had_the_very_same(bends, verdict):
    found = judged(bent(all_of(waits_on(), *bends)))
    assert found["verdict"] == verdict, found
    assert bad(found) == ({"turns"} if verdict == "broken" else set())


def test_who_is_away_is_served_only_where_it_was_said():
    def no_more(records: list[Json]) -> None:
        act = {"type": "act", "act": "set", "detail": {"serve_away": False}}
        records.insert(-1, {**act, "at_ms": 1_694_775_616_000, "version": 28})

    bends = [waits_on(), stays_away(2), no_more, given(rank=2, **WITH_SEATS)]
    assert bad(judged(bent(all_of(*bends)))) == {"turns"}


def test_a_turn_is_made_longer_ten_times_at_most():
    def longer(times: int) -> Bend:
        def bend(records: list[Json]) -> None:
            for number in range(1, times):
                record = {
                    **of(records, "turn_until"),
                    "until_ms": 1_694_775_808_020 + number,
                }
                put("kept", **{**record, "at_ms": 1_694_775_785_000})(records)

        return bend

    assert judged(bent(longer(10)))["verdict"] == "whole"
    assert bad(judged(bent(longer(11)))) == {"turns"}
