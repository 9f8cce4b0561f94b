"""A line of a transcript has one spelling, and no member more or less."""

import json

import pytest

import tests.inventory.line.test_draw as vector
from server.events.line.transcript.records import (
    LINE_BYTES_MAX,
    AnyRecord,
    Malformed,
    Presence,
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
