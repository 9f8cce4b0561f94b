"""Types read out for people: kinds, bounds, lengths, allowed values."""

from datetime import datetime
from typing import Annotated, Any, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.names import NAME_PATTERN, NO_NAME, NO_TEXT, NOTE_PATTERN, TEXT_PATTERN
from inventory.settings import Currency
from inventory.words import length_fault, words_for

Bounded = Annotated[int, Meta(ge=1, le=10)]
Short = Annotated[str, Meta(min_length=1, max_length=3)]
When = Annotated[datetime, Meta(tz=True)]


class Point(Struct):
    x: int | UnsetType = UNSET


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (int, "4", "Expected a whole number, got text."),
        (int, 2.5, "Expected a whole number, got a decimal number."),
        (int, True, "Expected a whole number, got true or false."),
        (int | None, [], "Expected a whole number or null, got a list."),
        (str | int | None, {}, "Expected text, a whole number or null, got an object."),
        (bool, 1, "Expected true or false, got a whole number."),
        (float, "1", "Expected a number, got text."),
        (list[int], {}, "Expected a list, got an object."),
        (tuple[int, ...], None, "Expected a list, got null."),
        (dict[str, int], [], "Expected an object, got a list."),
        (Point, 3, "Expected an object, got a whole number."),
        (str | UnsetType, b"", "Expected text, got something else."),
        (Bounded, 11, "Expected a whole number from 1 to 10."),
        (Annotated[int, Meta(ge=0)], -1, "Expected a whole number, at least 0."),
        (Annotated[float, Meta(le=5)], 6.5, "Expected a number, at most 5."),
        (Short, "", "Expected text of 1 to 3 characters, got 0."),
        (Annotated[str, Meta(max_length=2)], "abc", "Expected text of at most 2"),
        (Annotated[str, Meta(min_length=2)], "a", "Expected text of at least 2"),
        (Currency, "euro", "Expected three capital letters, as in EUR."),
        (Currency, "eur", "Expected three capital letters, as in EUR."),
        (Annotated[str, Meta(pattern=NAME_PATTERN)], "\n", NO_NAME),
        (Annotated[str, Meta(pattern=TEXT_PATTERN)], " ", NO_TEXT),
        (Annotated[str, Meta(pattern=NOTE_PATTERN)], " ", NO_TEXT),
        (Literal["none", "required"], "maybe", "Expected one of none, required."),
        (Literal["a", "b"] | None, 1, "Expected one of a, b or null, got a whole"),
        (When, "tomorrow", "Expected an RFC 3339 time with an offset, as in 2026"),
        (When, 5, "got a whole number."),
    ],
)
def test_what_does_not_fit_is_told_in_words(kind: Any, value: object, words: str):
    told = words_for(kind, value)
    assert words in told
    assert told.endswith(".")
    assert "`" not in told


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (Annotated[list[int], Meta(min_length=1, max_length=2)], [1], None),
        (
            Annotated[list[int], Meta(min_length=1, max_length=2)],
            [1, 2, 3],
            "Expected a list of 1 to 2 items, got 3.",
        ),
        (
            Annotated[dict[str, int], Meta(min_length=1)] | None,
            {},
            "Expected an object of at least 1 fields, got 0.",
        ),
        (Annotated[str, Meta(max_length=1)], "long", None),
        (int, [], None),
    ],
)
def test_lists_and_objects_have_lengths(kind: Any, value: object, words: str | None):
    assert length_fault(kind, value) == words
