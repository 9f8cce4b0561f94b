"""What one person has is held against what all can read."""

from typing import Any

import pytest
from msgspec import convert

from inventory.line import draw
from server.events.line.place_token import Place, mint
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options, Witness
from tests.server.events.line.verify.bending import (
    EVENT,
    OTHER,
    OUT_MS,
    SERVER,
    Json,
    bad,
    bent,
    judged,
    lines,
    of,
    tell,
    whole,
)


def place(entry: str = "entrant-0000000000000002", **members: Any) -> str:
    claims = {
        "sub": "usr_1",
        "event": EVENT,
        "draw": 2,
        "entry": entry,
        "stub": draw.stub_of(entry).hex(),
        "late": entry.startswith("late"),
        "joined_at_ms": 1_694_773_800_123,
        "iat": 1_694_773_800,
    }
    return mint(SERVER, Place(**{**claims, **members}))


LATE = "late-entry-0000000000003"
MISSING = "entrant-0000000000000099"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (place(), "ok rank 2 of 11, entrant, done"),
        (place(rank=2), "ok rank 2 of 11, entrant, done"),
        ("entrant-0000000000000002", "ok rank 2 of 11, entrant, done"),
        ("2df3b943fadb850212a5edcbec2ecc89", "ok rank 2 of 11, entrant, done"),
        (place("entrant-0000000000000003"), "ok rank 6 of 11, entrant, paused"),
        (place("entrant-0000000000000004"), "ok rank 4 of 11, entrant, away"),
        (place("entrant-0000000000000005"), "ok rank 7 of 11, entrant, left"),
        (place(LATE), "ok rank 10 of 11, late, waiting"),
        (place(rank=3), "BAD it is in the line with rank 2"),
        (place(late=True), "BAD it is in the line as entrant"),
        (place(LATE, late=False), "BAD it is in the line as late"),
        (place(event="evt_2"), "BAD it is of another event or draw"),
        (place(draw=1), "BAD it is of another event or draw"),
        (place(MISSING), "BAD it is not in the line: somebody was dropped"),
        (MISSING, "BAD it is not in the line: somebody was dropped"),
        ("00" * 16, "BAD it is not in the line: somebody was dropped"),
        (
            place(MISSING, late=True),
            "open it came late, and is not in the line yet",
        ),
        (place()[:-4] + "AAAA", "BAD The place was changed after it had been signed."),
    ],
)
def test_it_says_what_became_of_a_place(asked, told):
    found = judged(lines(), place=asked)
    assert found["place"] == told
    assert (found["verdict"] == "broken") == told.startswith("BAD")


def test_the_history_of_a_place_follows():
    def story(entry: str) -> list[str]:
        report = check(lines(), Options(place=entry))
        start = "place: 2023-09-15T"
        told = [line for line in report.lines() if line.startswith("place: ")]
        assert all(line.startswith(start) for line in told)
        return [line.removeprefix(start) for line in told]

    assert story("entrant-0000000000000002") == [
        "11:00:03.430Z in the line",
        "11:00:10.021Z turn, 2 of 1",
        "11:01:10.000Z turn over: booked",
    ]
    assert story("entrant-0000000000000001") == [
        "11:00:03.430Z in the line",
        "11:00:10.020Z turn",
        "11:03:00.000Z turn until 2023-09-15T11:03:28.020Z",
        "11:03:35.000Z turn over: ran_out",
    ]
    assert story("entrant-0000000000000004")[1:] == ["11:00:11.000Z away"]
    assert story("entrant-0000000000000007")[1:] == ["11:00:12.500Z another wish"]
    assert story("entrant-0000000000000003")[1:] == ["11:00:11.500Z paused"]
    assert story("entrant-0000000000000005") == [
        "11:00:03.430Z in the line, left before"
    ]


def frame(**members: Any) -> Json:
    records = whole()
    fixed, opened = of(records, "fixed"), of(records, "open")
    return {
        "op": "line_fixed",
        "at_ms": fixed["at_ms"],
        "commitment": opened["commitment"],
        "draw": 2,
        "entries": 8,
        "event": EVENT,
        "root": fixed["root"],
        "round": 657_413,
        "round_at_ms": OUT_MS,
        "signature": fixed["signature"],
        **members,
    }


def signed_frame(**members: Any) -> Json:
    made = frame(**members)
    told = convert({**made, "signature": ""}, Witness.__annotations__["frame"])
    under = SERVER.sign_bytes(draw.fixed_bytes(told.statement()))
    return {**made, "signature": under.hex()}


@pytest.mark.parametrize(
    ("saved", "arrived_ms", "told"),
    [
        (frame(), OUT_MS - 1, "ok"),
        (frame(), OUT_MS, "weak told_late:"),
        (signed_frame(), 0, "ok"),
        (signed_frame(root=OTHER), 0, "BAD another list"),
        (signed_frame(entries=9), 0, "BAD another list"),
        (signed_frame(at_ms=1), 0, "BAD another list"),
        (signed_frame(draw=1, root=OTHER), OUT_MS, "open it is of another draw"),
        (signed_frame(event="evt_2"), 0, "open it is of another draw"),
        (frame(root=OTHER), 0, "BAD it was not signed"),
        (frame(signature="?"), 0, "BAD it was not signed"),
        (frame(op="line_drawn"), 0, "BAD it was not signed"),
    ],
)
def test_what_a_page_was_told_is_held_against_it(saved, arrived_ms, told):
    witness = convert({"arrived_ms": arrived_ms, "frame": saved}, Witness)
    found = judged(lines(), witness=witness)
    assert found["witness"].startswith(told), found
    assert (found["verdict"] == "broken") == told.startswith("BAD")
    if told.startswith("weak"):
        assert found["verdict"] == "whole, weak: told_late"


def test_another_list_under_one_draw_is_found_by_who_was_told_the_first():
    """The operator, who has the key, draws again with one entrant less."""
    witness = convert({"arrived_ms": 0, "frame": frame()}, Witness)

    def other(records: list[Json]) -> None:
        of(records, "fixed").update(at_ms=1_694_775_597_100)
        tell(records)

    made = bent(other)
    assert judged(made)["verdict"] == "whole"
    assert bad(judged(made, witness=witness)) == {"witness"}
