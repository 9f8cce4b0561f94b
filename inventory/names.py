"""What may be a name: text that a person can see.

One pattern judges the names of people, events, venues, organisations, tags, categories
and labels, and is in the description of the API as it stands. It is written without
what only one kind of regular expressions knows.
"""

import re
from typing import Final

_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"

# Blanks, marks that need a letter to stand on, fillers, joiners, and what only says how
# others are to be shown. The last ranges are written out: escapes beyond U+FFFF differ.
# No more than there is: those who make examples from a pattern count every character.
_UNSEEN: Final = (
    r"\x20\xa0\xad\u0300-\u036f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    + r"\u1ab0-\u1aff\u1dc0-\u1dff\u2000-\u200f\u202a-\u202f\u205f-\u206f\u20d0-\u20ff"
    + r"\u2800\u3000\u3164\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0"
    + r"\ufff0-\ufffb\ufffe\uffff"
    + "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    + "\U000e0001\U000e0020-\U000e007f\U000e0100-\U000e01ef"
)

# What is seen first divides a name in one way only, so nothing goes back and forth.
NAME_PATTERN: Final = rf"^[{_UNSEEN}]*[^{_CONTROLS}{_UNSEEN}][^{_CONTROLS}]*(?!\n)$"
"""One line, and something to see in it."""

# Tabs and what ends lines and pages: these come with what is pasted.
_BREAKS: Final = r"\x09-\x0d\x85\u2028\u2029"
_OTHERS: Final = r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_TEXT: Final = rf"[{_UNSEEN}{_BREAKS}]*[^{_CONTROLS}{_UNSEEN}][^{_OTHERS}]*"

TEXT_PATTERN: Final = rf"^{_TEXT}$"
"""Something to see, in as many lines as one likes."""

NOTE_PATTERN: Final = rf"^({_TEXT})?(?!\n)$"
"""Such a text, or nothing at all."""

READABLE: Final = (
    r"^[^\u0000-\u001f\u007f]*[^\s\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*$"
)
"""What `Draft.text` takes, as a pattern of JSON Schema: no control characters, and not
only spaces."""

NO_NAME: Final = "Has control characters, or nothing that can be seen."
NO_TEXT: Final = (
    "Has control characters other than line breaks, or nothing that can be seen."
)

_matches = re.compile(NAME_PATTERN).search
_notes = re.compile(NOTE_PATTERN).search


def is_name(text: str) -> bool:
    """Return whether people can see a name in a text."""
    return _matches(text) is not None


def is_note(text: str) -> bool:
    """Return whether people can see something in a text, or it is empty."""
    return _notes(text) is not None
