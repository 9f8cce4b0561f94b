"""From the journal comes the transcript that the specification has, byte for byte."""

import gzip
import zlib
from base64 import b64decode
from typing import Any

import pytest

import tests.inventory.line.test_draw as vector
from inventory import changes
from inventory.line import draw
from inventory.line.canonical import decode
from inventory.line.draw import QUICKNET, time_of
from inventory.line.wishes import Wish
from server.events.line.transcript import records
from server.events.line.transcript.writer import NoSuchDraw, Transcript
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options
from tests.server.events.line.verify.bending import (
    EVENT,
    SERVER,
    Json,
    canonical,
    of,
    signed,
    whole,
)

TOLD = whole()
EARLIER, OPEN, PUT_OFF, FIXED, DRAWN = (
    of(TOLD, kind) for kind in ("earlier", "open", "round", "fixed", "drawn")
)
END = of(TOLD, "end")
JOINS = records.Joins(gates={"pow": 8}, minutes=[(28_246_230, 3), (28_246_259, 5)])
JOURNAL = records.Journal(**END["journal"])


def wish(told: Json) -> Wish:
    return Wish(
        quantity=told["quantity"],
        categories=tuple(told["categories"]),
        together=told["together"],
        accessible=told["accessible"],
        if_none=told["if_none"],
    )


def opened(told: Json, **more: Any) -> changes.LineOpened:
    rules = told["rules"]
    text = canonical(rules)
    known = {
        **rules,
        **rules["beacon"],
        **more,
        "rules": text.decode(),
        "rules_hash": draw.rules_hash_of(draw.rules_of(text)),
        "commitment": bytes.fromhex(told["commitment"]),
    }
    names = changes.LineOpened.__struct_fields__
    return changes.LineOpened(**{name: known[name] for name in names if name in known})


def fed(kind: str, step: int | None) -> changes.LineFed:
    told = of(TOLD, kind)
    stubs = b64decode(told["stubs"])
    return changes.LineFed(
        first_rank=told["first"],
        users=tuple(f"u{told['first'] + n}" for n in range(len(stubs) // 16)),
        stubs=stubs,
        classes=b64decode(told["classes"]),
        wishes=tuple(map(wish, told["wishes"])),
        left=tuple(told["left"]),
        step=step,
    )


def held(hold: str, user: str, *seats: int) -> changes.SeatsHeld:
    return changes.SeatsHeld(hold, user, seats, {}, 0)


def booked(hold: str) -> changes.HoldBooked:
    return changes.HoldBooked(hold, f"b_{hold}", "REF", None)


def journal() -> list[tuple[int, int, Any]]:
    """The changes of the whole draw, with their versions and times."""
    versions = {one["version"]: one["at_ms"] for one in TOLD if "version" in one}
    wishes = {
        kind: tuple(map(wish, of(TOLD, kind)["wishes"])) for kind in ("wish", "recast")
    }
    told: dict[int, Any] = {
        12: opened(OPEN, former_seed=bytes(range(0x40, 0x60))),
        13: changes.RoundPutOff(657_411, 657_413, "slow"),
        14: changes.EntrantsFixed(
            entries=8,
            root=vector.ROOT,
            closed_at_ms=FIXED["closed_at_ms"],
            round=657_413,
            round_at_ms=time_of(QUICKNET, 657_413),
        ),
        15: changes.LineDrawn(
            source="beacon",
            round=657_413,
            signature=bytes.fromhex(DRAWN["signature"]),
            seed=vector.SEED,
            line_hash=bytes.fromhex(DRAWN["line_hash"]),
            key=vector.KEY,
        ),
        16: fed("segment", None),
        17: fed("late", 1),
        18: changes.SaleChanged("on_sale"),
        19: changes.TurnGiven(1, "u1", "line", 1_694_775_790_020),
        20: changes.TurnGiven(
            2,
            "u2",
            "returned",
            1_694_776_210_021,
            hold="h2",
            seats=(4, 5),
            category="1",
            quantity=2,
        ),
        21: changes.PresenceNoted(away=(4,), back=()),
        22: changes.PlacePaused(6),
        23: changes.TurnGranted("g1", 1_694_775_792_000, "presale"),
        24: changes.WishSet(5, 3, wishes["wish"]),
        25: changes.TurnEnded(2, "u2", "booked"),
        26: changes.TurnExtended(1, 1_694_775_808_020),
        27: changes.TurnsKept(1_694_775_815_000),
        28: changes.TurnEnded(1, "u1", "ran_out"),
        29: changes.WishesRecast(((1, 4),), wishes["recast"]),
        30: changes.LineSet("close"),
    }
    made: list[tuple[int, int, Any]] = [
        (1, 1_694_700_000_000, held("before", "b1", 99)),
        (2, 1_694_700_000_000, changes.SaleChanged("scheduled")),
        (3, 1_694_700_000_001, opened(EARLIER)),
        (4, 1_694_700_000_002, changes.SeatsBlocked((7, 8), {})),
    ]
    for version, change in told.items():
        at_ms = versions[version]
        # What the line does not see has no version here, so that none is shifted.
        if version == 24:
            made += [(version, at_ms, one) for one in sold_to_a_grant()]
        if version == 25:
            made.append((version, at_ms, booked("h2")))
        if version == 27:
            made.append((version, at_ms, changes.LineTuned(1, 2, 3)))
        made.append((version, at_ms, change))
    return made


def sold_to_a_grant() -> list[Any]:
    return [
        held("g", "g1", 20, 21, 22),
        changes.HoldReleased("g", (22,), {}),
        booked("g"),
        held("gone", "g1", 30),
        changes.HoldExpired("gone"),
    ]


def transcript(number: int = 2, joins: records.Joins | None = JOINS) -> Transcript:
    return Transcript(event=EVENT, draw=number, key=SERVER, joins=joins)


def written(made: list[tuple[int, int, Any]], number: int = 2) -> bytes:
    writer = transcript(number)
    lines = b"".join(writer.take(*one) for one in made)
    return lines + writer.end(over=True, at_ms=END["at_ms"], journal=JOURNAL)


def expected() -> bytes:
    """The specification's, where the former draw was given up as this one opened."""
    told = whole()
    of(told, "earlier")["at_ms"] = of(told, "open")["at_ms"]
    return b"".join(signed(told))


def test_the_journal_of_the_whole_draw_makes_its_transcript():
    made = written(journal())
    assert made.splitlines() == expected().splitlines()
    assert made == expected()
    assert check(made.splitlines(keepends=True), Options()).verdict() == "whole"


def test_it_is_made_again_with_the_same_bytes_a_line_at_a_time():
    writer = transcript()
    lines = [writer.take(*one) for one in journal()]
    assert all(line.count(b"\n") <= 4 for line in lines)
    end = writer.end(over=True, at_ms=END["at_ms"], journal=JOURNAL)
    assert b"".join([*lines, end]) == written(journal())


def test_it_can_be_packed_as_it_is_made():
    packer, writer = zlib.compressobj(wbits=31), transcript()
    packed = b"".join(packer.compress(writer.take(*one)) for one in journal())
    packed += packer.compress(
        writer.end(over=True, at_ms=END["at_ms"], journal=JOURNAL)
    )
    assert gzip.decompress(packed + packer.flush()) == expected()


def test_a_transcript_ends_wherever_the_journal_was_read_to():
    made = journal()
    for count in range(5, len(made) + 1):
        version, at_ms, _ = made[count - 1]
        writer = transcript()
        lines = b"".join(writer.take(*one) for one in made[:count])
        told = records.Journal(chain="00" * 32, history_id="h", version=version)
        lines += writer.end(over=count == len(made), at_ms=at_ms, journal=told)
        report = check(lines.splitlines(keepends=True), Options())
        fed_at = [
            n for n, one in enumerate(made) if isinstance(one[2], changes.LineFed)
        ]
        verdict = "whole" if count > fed_at[0] else "nothing to check"
        assert report.verdict() == verdict, list(report.lines())


def test_before_the_draw_no_turn_of_the_line_is_kept():
    """Found by simulation: a failover then made a transcript that was broken."""
    writer = transcript()
    for version, at_ms, change in journal():
        if isinstance(change, changes.LineDrawn):
            break
        writer.take(version, at_ms, change)
        assert writer.take(version, at_ms, changes.TurnsKept(at_ms + 1)) == b""
    writer.take(version, at_ms, change)
    assert writer.take(version + 1, at_ms, changes.TurnsKept(at_ms + 1)) != b""


def test_a_turn_that_is_open_is_not_over():
    made = journal()[:-5]
    assert b'"over":false' in written(made)


def test_a_former_draw_has_a_transcript_that_ends_where_the_next_was_opened():
    writer, made, read = transcript(1), journal(), []
    while not writer.is_past:
        read.append(made.pop(0))
        writer.take(*read[-1])
    version, at_ms, _ = read[-1]
    assert version == 12
    assert [writer.take(*one) for one in made] == [b""] * len(made)
    told = records.Journal(chain="00" * 32, history_id="h", version=version)
    lines = written(read, 1).splitlines(keepends=True)
    types = [type(records.read(line)).__name__ for line in lines]
    assert types == ["Head", "Open", "End", "Signature"]
    end = writer.end(over=False, at_ms=at_ms, journal=told)
    assert b'"over":true' in end
    report = check([*lines[:2], *end.splitlines(keepends=True)], Options())
    assert report.verdict() == "nothing to check", list(report.lines())


def test_a_draw_that_is_not_there_has_none():
    for made, number in ((journal(), 3), ([], 1)):
        writer = transcript(number)
        for one in made:
            writer.take(*one)
        with pytest.raises(NoSuchDraw):
            writer.end(over=False, at_ms=1, journal=JOURNAL)


def test_a_draw_that_was_drawn_before_is_told_as_drawn():
    again = opened({**OPEN, "rules": {**OPEN["rules"], "draw": 3}})
    made = [*journal(), (31, END["at_ms"], again)]
    writer = transcript(3)
    lines = b"".join(writer.take(*one) for one in made).splitlines()
    former = [decode(line) for line in lines[1:3]]
    assert [(one["draw"], one["state"], one["at_ms"]) for one in former] == [
        (1, "given_up", OPEN["at_ms"]),
        (2, "drawn", DRAWN["at_ms"]),
    ]
    assert former[1]["seed"] == vector.SEED.hex()
    assert former[1]["round"] == 657_413


def test_what_was_sold_past_the_line_is_counted_by_its_way():
    writer = transcript()
    made = journal()[:12]
    at_ms = made[-1][1]
    for one in made:
        writer.take(*one)
    sold: list[Any] = [
        held("box", "organiser", 1, 2, 3),
        booked("box"),
        held("own", "u1", 11),
        changes.SeatsHeld("own", "u1", (), {0: 2}, 0),
        booked("own"),
        changes.SeatsBlocked((40,), {0: 3}),
        booked("before"),
        changes.TurnGranted("g1", at_ms, "amends"),
        changes.SeatsHeld("soon", "g1", (50,), {}, 0),
        booked("soon"),
        changes.TurnEnded(1, "u1", "booked"),
        held("after", "u1", 60),
        booked("after"),
    ]
    for change in sold:
        writer.take(31, at_ms, change)
    end = writer.end(over=False, at_ms=at_ms, journal=JOURNAL).splitlines()[0]
    told = records.read(end + b"\n")
    assert isinstance(told, records.End)
    assert told.taken == records.Taken(
        blocked=4, box_office=4, granted=1, other=1, turns=3
    )


def numbered(*fed_with: tuple[tuple[int, ...], tuple[Wish, ...]]) -> list[Json]:
    writer, lines, first = transcript(), b"", 1
    for one in journal()[:8]:
        writer.take(*one)
    for classes, new in fed_with:
        change: Any = changes.LineFed(
            first_rank=first,
            users=(),
            stubs=bytes(16 * len(classes)),
            classes=b"".join(one.to_bytes(2, "big") for one in classes),
            wishes=new,
            left=(),
            step=None,
        )
        first += len(classes)
        lines += writer.take(16, DRAWN["at_ms"], change)
    return [decode(line) for line in lines.splitlines()]


def test_classes_are_numbered_as_they_first_occur():
    one, two, three = (Wish(quantity=count) for count in (1, 2, 3))
    told = numbered(((3, 0, 1), (one, two, three)), ((2, 1, 3), ()))
    classes = [b64decode(record["classes"]) for record in told]
    assert classes == [b"\0\1\0\0\0\2", b"\0\3\0\2\0\1"]
    assert [
        [(wish["class"], wish["quantity"]) for wish in record["wishes"]]
        for record in told
    ] == [[(1, 3), (2, 1)], [(3, 2)]]


def test_settings_that_were_changed_are_told_and_others_not():
    writer = transcript()
    for one in journal()[:12]:
        writer.take(*one)
    told: list[tuple[Any, Json]] = [
        (
            changes.LineSet("set", turn_s=60, serve_away=False),
            {"turn_s": 60, "serve_away": False},
        ),
        (changes.LineSet("message", message="msg_1"), {"id": "msg_1"}),
        (changes.LineSet("pause"), {}),
    ]
    for change, detail in told:
        line = writer.take(31, END["at_ms"], change)
        assert decode(line.rstrip(b"\n"))["detail"] == detail


def test_who_it_was_is_in_no_line():
    names = {f"u{number}" for number in range(1, 12)} | {"g1", "b_h2", "h2"}
    assert not [name for name in names if f'"{name}"'.encode() in written(journal())]
