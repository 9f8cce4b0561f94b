"""What can be seen is a name; what cannot is none, in every kind of alphabet."""

import re
import unicodedata

import pytest

from inventory.names import NAME_PATTERN, NOTE_PATTERN, TEXT_PATTERN, is_name, is_note

INVISIBLE = [
    "",
    "   ",
    "\u00a0\u3000",
    "\u200b",
    "\u2060\ufeff",
    "\u00ad",
    "\u200e\u200f",
    "\u202e",
    "\u0301",
    "\u3164",
    "\u2800",
    "\ufe0f",
    "\U000e0041",
    "\U0001bca0",
]
CONTROLS = ["\x07", "\x7f", "\x85", "a\x07", "\tb", "a\nb", "a\n", "\n", "a\u2028b"]


@pytest.mark.parametrize("text", INVISIBLE + CONTROLS)
def test_what_cannot_be_seen_is_no_name(text):
    assert not is_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "A",
        " Olga ",
        "!!!",
        "Ñandú",
        "N\u0303andu\u0301",
        "東京ドーム",
        "محمد",
        "नाम",
        "👩\u200d🚀",
        "🫩",
        "zero\u200bwidth",
        "÷",
        "1",
    ],
)
def test_what_can_be_seen_is_a_name(text):
    assert is_name(text)


@pytest.mark.parametrize("text", INVISIBLE)
def test_a_text_of_several_lines_has_something_to_see(text):
    assert re.search(TEXT_PATTERN, f"{text}\n{text}") is None
    assert re.search(TEXT_PATTERN, f"{text}\na{text}") is not None


@pytest.mark.parametrize("control", ["\0", "\x07", "\x08", "\x1b", "\x7f", "\x80"])
def test_a_text_has_no_control_characters_but_for_line_breaks(control):
    for text in (f"a{control}", f"{control}a", f"a\n{control}b", control):
        assert re.search(TEXT_PATTERN, text) is None
        assert not is_note(text)
    pasted = "\r\n\tone\x0btwo\x0c\x85\u2028three\u2029\n"
    assert re.search(TEXT_PATTERN, pasted) is not None
    assert is_note(pasted)


def test_a_note_may_be_empty_and_else_has_something_to_see():
    assert is_note("")
    assert re.search(TEXT_PATTERN, "") is None
    for text in ("\n", "\r\n", *INVISIBLE[1:]):
        assert not is_note(text), repr(text)
        assert is_note(f"{text}a{text}")


def test_every_letter_digit_and_sign_is_seen_and_no_control_or_blank():
    fillers = {0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0}
    # Signs that Unicode calls formats, because they enclose what follows.
    enclosing = {0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    enclosing |= set(range(0x600, 0x606))
    for code in range(0x110000):
        kind = unicodedata.category(chr(code))
        if kind[0] in "LNPS" and code not in fillers:
            assert is_name(chr(code)), hex(code)
        if kind in {"Cc", "Cf", "Zs", "Zl", "Zp"} and code not in enclosing:
            assert not is_name(chr(code)), hex(code)


def test_a_long_text_is_judged_without_going_back_and_forth():
    assert not is_name("\u200b" * 200_000)
    assert not is_name("a" * 200_000 + "\n")
    # Nothing that only Python's expressions know, for those who read the description.
    assert not is_note("\u200b\n" * 100_000)
    assert not is_note("a\n" * 100_000 + "\x07")
    for pattern in (NAME_PATTERN, TEXT_PATTERN, NOTE_PATTERN):
        assert "(?P" not in pattern
        assert "\\Z" not in pattern
