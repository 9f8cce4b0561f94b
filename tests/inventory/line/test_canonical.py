"""One document, one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.line.canonical import INTEGER_MAX, NotCanonical, decode, encode

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=10,
)


@given(PLAIN)
def test_what_is_written_is_read_again(document):
    text = encode(document)
    assert decode(text) == document
    assert encode(decode(text)) == text


def test_each_kind_of_value_has_its_spelling():
    document = {"b": [1, -2, True, None], "a": '"\\\b\t\n\f\r\x00\x1f\x7f/é😀', "B": {}}
    assert (
        encode(document)
        == (
            '{"B":{},"a":"\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\x7f/é😀"'
            ',"b":[1,-2,true,null]}'
        ).encode()
    )


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b"[1.0]",
        b"[1e2]",
        b"[-0]",
        b"[01]",
        b"[NaN]",
        b"[-Infinity]",
        b"[9007199254740992]",
        b"[" + b"9" * 5_000 + b"]",
        b'"\\u00e9"',
        b'"\\/"',
        b'"\\u000A"',
        b'"\\u000a"',
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"\xef\xbb\xbf[]",
        b"[]\n",
        b" []",
        b"[] []",
        b"[1,]",
        b"",
        b"[" * 100_000,
    ],
)
def test_another_spelling_is_refused(text):
    with pytest.raises(NotCanonical):
        decode(text)


@pytest.mark.parametrize(
    "document", [1.5, [INTEGER_MAX + 1], {1: 2}, "\ud800", b"bytes", {"a": {1}}]
)
def test_what_has_no_spelling_is_refused(document):
    with pytest.raises(NotCanonical):
        encode(document)
