"""JSON with one spelling: what is hashed, signed, or a line of a transcript.

Members are sorted by name, nothing stands between them, and numbers are integers that
every language reads alike. A subset of RFC 8785. Whoever reads it writes it again and
compares, so that one document is one row of bytes.
"""

import json
from typing import Any, Final, NoReturn

INTEGER_MAX: Final = 2**53 - 1
"""Beyond it, JavaScript reads another number than was written."""

_DIGITS_MAX: Final = len(str(-INTEGER_MAX))


class NotCanonical(ValueError):
    """The bytes are not the one spelling of a document; the message says why."""


def encode(document: Any) -> bytes:
    """Return the one spelling of a document of plain values.

    Raises `NotCanonical` for what has none: fractions, numbers beyond `INTEGER_MAX`,
    lone surrogates, names that are no strings.
    """
    _require_plain(document)
    return _encoded(document)


def decode(text: bytes) -> Any:
    """Return the document of which these bytes are the spelling.

    Raises `NotCanonical`.
    """
    try:
        document = json.loads(
            text.decode(),
            parse_int=_integer,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except RecursionError as error:
        raise NotCanonical("It is nested too deeply.") from error
    except NotCanonical:
        raise
    except ValueError as error:
        raise NotCanonical("It is not JSON in UTF-8.") from error
    if _encoded(document) != text:
        raise NotCanonical("It is JSON, but spelled otherwise than it is to be.")
    return document


def _encoded(document: Any) -> bytes:
    try:
        return json.dumps(
            document,
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        ).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("A character in it is half of one.") from error


def _require_plain(value: Any) -> None:
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise NotCanonical("A name in it is no string.")
        for one in value.values():
            _require_plain(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _require_plain(one)
    elif isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise NotCanonical(f"{value} is too large a number.")
    elif value is not None and not isinstance(value, str):
        raise NotCanonical(f"{type(value).__name__} is nothing that JSON has.")


def _integer(digits: str) -> int:
    value = int(digits) if len(digits) <= _DIGITS_MAX else INTEGER_MAX + 1
    if abs(value) > INTEGER_MAX:
        raise NotCanonical(f"{digits[:_DIGITS_MAX]} is too large a number.")
    return value


def _refuse(digits: str) -> NoReturn:
    raise NotCanonical(f"{digits[:_DIGITS_MAX]} is no integer.")
