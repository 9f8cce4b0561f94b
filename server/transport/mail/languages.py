"""In which languages mails are written, and which of them somebody reads."""

import re
from typing import Final

LANGUAGES: Final = ("en", "de")
"""Each has a folder of templates; the first is for whoever speaks none of them."""

LOCALE_LENGTH_MAX: Final = 20
LOCALE_PATTERN: Final = r"^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}(?!\n)$"
RANGES_MAX: Final = 20
"""Of a header; who names more languages than that speaks one of the first."""

_locale: Final = re.compile(LOCALE_PATTERN)
_weight: Final = re.compile(r"q=([01](?:\.\d{0,3})?)", re.IGNORECASE)


def language_of(locale: str) -> str:
    """Return which of our languages to write in."""
    return _spoken(locale) or LANGUAGES[0]


def preferred(header: str) -> str:
    """Return the locale of an `Accept-Language` that we speak, and that comes first.

    Empty where there is none: nothing is known then.
    """
    best, found = 0.0, ""
    for one in header.split(",")[:RANGES_MAX]:
        name, _, rest = one.partition(";")
        locale, weight = name.strip(), 1.0
        if rest:
            match = _weight.fullmatch(rest.strip())
            weight = 0.0 if match is None else float(match[1])
        if weight > best and len(locale) <= LOCALE_LENGTH_MAX and _is_spoken(locale):
            best, found = weight, locale
    return found


def _is_spoken(locale: str) -> bool:
    return _locale.fullmatch(locale) is not None and _spoken(locale) is not None


def _spoken(locale: str) -> str | None:
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else None
