"""A line of a transcript has one spelling, and no member more or less."""

import json

import pytest

import tests.inventory.line.test_draw as vector
from inventory import limits
from inventory.line import wishes
from server.events.line.transcript.records import (
    CLASS_MAX,
    LINE_BYTES_MAX,
    PLACES_MAX,
    SEGMENT_MAX,
    AnyRecord,
    Late,
    Malformed,
    Presence,
    Recast,
    Wish,
    line_of,
    read,
)

LINES = vector.WHOLE.read_bytes().splitlines(keepends=True)


def test_each_type_of_record_is_in_the_whole_draw():
    types = {json.loads(line)["type"] for line in LINES}
    assert types == {one.__struct_config__.tag for one in AnyRecord.__args__}


@pytest.mark.parametrize("line", LINES)
def test_what_is_written_is_what_is_read(line):
    assert line_of(read(line)) == line


@pytest.mark.parametrize("line", LINES)
def test_all_members_are_there_and_no_others(line):
    told = json.loads(line)
    for name in told:
        less = {other: value for other, value in told.items() if other != name}
        with pytest.raises(Malformed):
            read(spelled(less))
    with pytest.raises(Malformed):
        read(spelled({**told, "zeal": 1}))


def spelled(told: object) -> bytes:
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


GRANT = next(line for line in LINES if b'"grant"' in line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        GRANT[:-1],
        GRANT[:-1] + b"\r\n",
        GRANT + b"\n",
        b" " + GRANT,
        GRANT.replace(b'":', b'": ', 1),
        GRANT.replace(b"presale", b"pre\\u0073ale"),
        GRANT.replace(b'"version":23', b'"version":23.0'),
        GRANT.replace(b'"version":23', b'"version":023'),
        GRANT.replace(b'"version":23', b'"version":-0'),
        GRANT.replace(b'"version":23', b'"version":true'),
        GRANT.replace(b'"version":23', b'"version":null'),
        GRANT.replace(b'"version":23', b'"version":22,"version":23'),
        GRANT.replace(b"presale", b"\xff"),
        GRANT.replace(b"presale", b"pre\nsale"),
        b"[" * 100_000 + b"\n",
        b"[]\n",
        b"{}\n",
        b'"grant"\n',
    ],
    ids=range(20),
)
def test_another_spelling_is_refused(line):
    with pytest.raises(Malformed):
        read(line)


def test_base64_has_one_spelling():
    late = next(line for line in LINES if b'"late"' in line)
    assert b'"AAEAAAAA"' in late
    for other in (b'"AAEAAAA="', b'"AAEA AAAA"', b'"AAEAAAAA="', b'"AAEAAAA"'):
        changed = late.replace(b'"AAEAAAAA"', other)
        try:
            again = line_of(read(changed))
        except Malformed:
            continue
        # It is one of fewer bytes, which the form of the record refuses.
        assert again == changed


def test_a_line_is_never_too_long_to_be_read():
    away = list(range(1_000_000, 1_000_000 + LINE_BYTES_MAX // 8))
    with pytest.raises(Malformed, match="too long"):
        line_of(Presence(version=1, at_ms=1, away=away, back=[]))


LONG = '"\\ \N{ROMAN NUMERAL ONE THOUSAND}\N{CURLY LOOP}' * (
    limits.LABEL_LENGTH_MAX // 5
)
"""A category that takes much room: it is escaped, and of long characters."""


def told(categories: tuple[str, ...]) -> list[Wish]:
    """Return as many wishes for these as one change may tell of, each spelled long."""
    wish = wishes.Wish(
        limits.SEATS_PER_BOOKING_MAX, categories, together=False, if_none="browse"
    )
    count = limits.LINE_WISHES_BYTES_MAX // wishes.told_bytes([wish])
    return [
        Wish(
            accessible=False,
            categories=categories,
            class_=CLASS_MAX,
            if_none=wish.if_none,
            quantity=wish.quantity,
            together=wish.together,
        )
    ] * count


@pytest.mark.parametrize("categories", [(), ("front",), (LONG,), (LONG,) * 3])
def test_wishes_take_no_more_room_than_they_are_counted_with(categories):
    new = told(categories)
    line = Recast(version=1, at_ms=1, pairs=[], wishes=new)
    none = Recast(version=1, at_ms=1, pairs=[], wishes=[])
    size = len(line_of(line)) - len(line_of(none))
    assert 0.9 * limits.LINE_WISHES_BYTES_MAX < size <= limits.LINE_WISHES_BYTES_MAX


@pytest.mark.parametrize("categories", [(), (LONG,) * 3])
def test_the_largest_changes_have_lines(categories):
    """As many places as one change feeds, all of them gone, with new wishes."""
    version = at_ms = step = 2**53 - 1
    new = told(categories)
    fed = Late(
        version=version,
        at_ms=at_ms,
        first=PLACES_MAX - SEGMENT_MAX + 1,
        stubs=bytes(16 * SEGMENT_MAX),
        classes=bytes(2 * SEGMENT_MAX),
        wishes=new,
        left=list(range(PLACES_MAX - SEGMENT_MAX + 1, PLACES_MAX + 1)),
        step=step,
    )
    assert read(line_of(fed)) == fed
    pairs = [(CLASS_MAX, CLASS_MAX)] * limits.WISH_CLASSES_MAX
    recast = Recast(version=version, at_ms=at_ms, pairs=pairs, wishes=new)
    assert read(line_of(recast)) == recast
