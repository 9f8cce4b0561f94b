from typing import Any

import pytest

from inventory.faults import Faults
from server.events.catalogue.bodies import EventCreate, EventPatch
from server.transport.http.problems import ProblemError
from server.transport.rest.bodies import convert, decode, is_clean, note_bad_text

STARTS = b'"starts_at":"2026-12-31T19:00:00Z"'


def refused(body: bytes, body_type: Any = EventCreate) -> tuple[str, str]:
    with pytest.raises(ProblemError) as raised:
        decode(body, body_type)
    errors = raised.value.errors
    return raised.value.code, errors[0].field if errors else ""


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"a":"\xff"}', b'{"a":' * 100_000, b"nul", b"\x00"]
)
def test_what_is_no_json_is_a_bad_frame(body):
    assert refused(body, dict[str, Any]) == ("bad_frame", "")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", ""),
        (b'{"name":"x"}', "starts_at"),
        (b'{"name":"",' + STARTS + b"}", "name"),
        (b'{"name":7,' + STARTS + b"}", "name"),
        (b'{"name":"x","colour":1,' + STARTS + b"}", "colour"),
        (b'{"name":"x","capacity":2.0,' + STARTS + b"}", "capacity"),
        (b'{"name":"x","capacity":"2",' + STARTS + b"}", "capacity"),
        (b'{"name":"x","capacity":-1,' + STARTS + b"}", "capacity"),
        (b'{"name":"x","capacity":1e99,' + STARTS + b"}", "capacity"),
        (b'{"name":"x","starts_at":"tomorrow"}', "starts_at"),
        (b'{"name":"x","starts_at":"2026-12-31T19:00:00"}', "starts_at"),
        (b'{"name":"x","prices":{"1":{"amount":1}},' + STARTS + b"}", None),
        (b'{"name":"x","payment":"maybe",' + STARTS + b"}", "payment"),
    ],
)
def test_a_wrong_field_is_named(body, field):
    code, named = refused(body)
    assert code == "bad_field"
    if field is None:
        assert named.startswith("prices")
    else:
        assert named == field


@pytest.mark.parametrize("text", [rb"\u0000", rb"\ud800", rb"\udc00x", rb"a\uDBFF"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"name":"%b",' + STARTS + b"}", "name"),
        (b'{"name":"x","venue":"%b",' + STARTS + b"}", "venue"),
    ],
)
def test_text_that_nothing_can_hold_is_a_wrong_field(text, body, field):
    assert refused(body % text) == ("bad_field", field)


def test_bad_text_deep_inside_is_found_by_its_path():
    body = rb'{"map":{"seats":[{"label":"A\u0000"}]}}'
    assert refused(body, dict[str, Any]) == ("bad_field", "map.seats.0.label")


def test_bad_text_in_a_name_is_found():
    body = rb'{"map":{"\u0000":1}}'
    assert refused(body, dict[str, Any]) == ("bad_field", "map")


def test_an_escaped_backslash_before_u0000_is_plain_text():
    assert decode(rb'{"a":"\\u0000"}', dict[str, str]) == {"a": "\\u0000"}


def test_a_pair_of_surrogates_is_one_letter():
    assert decode(rb'{"a":"\ud83d\ude00"}', dict[str, str]) == {"a": "😀"}


def test_a_good_body_is_read():
    body = b'{"name":"x","capacity":2,' + STARTS + b"}"
    assert decode(body, EventCreate).capacity == 2


def test_an_empty_patch_changes_nothing():
    assert decode(b"{}", EventPatch) == EventPatch()


def test_what_is_already_decoded_is_checked_the_same_way():
    with pytest.raises(ProblemError) as raised:
        convert({"id": True}, dict[str, int])
    assert raised.value.code == "bad_field"


def test_text_is_clean_without_null_and_lone_surrogates():
    assert is_clean("A-1 ☃ 😀")
    assert not is_clean("\0")
    assert not is_clean("\ud800")
    found = Faults()
    note_bad_text({"a": ["b", {"c": "d"}, 1, None, True]}, found)
    assert not found
