"""From a request's bytes to a checked value, and to the problem where that fails."""

import asyncio
import json
import re
from typing import Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from inventory import faults
from inventory.faults import Faults, FaultyError, below, inside
from server.transport.http.problems import (
    BAD_FRAME,
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemError,
    bad_fields,
)

BODY_BYTES_MAX: Final = 64 << 10
CHART_BYTES_MAX: Final = 16 << 20
BODY_TIMEOUT_S: Final = 30
CHUNK_BYTES: Final = 64 << 10

T = TypeVar("T")

_ESCAPED_NULL: Final = b"\\u0000"
_ESCAPED_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


async def read_body(request: web.Request, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """Return the request's body; never takes more than the limit into memory."""
    media_type = request.content_type
    if "Content-Type" in request.headers and not (
        media_type == "application/json" or media_type.endswith("+json")
    ):
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        # Unpacking costs a thousand times what sending did, and no body needs it.
        raise ProblemError(
            UNSUPPORTED_MEDIA_TYPE,
            "Send the body as it is, without a Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )
    too_large = ProblemError(TOO_LARGE, f"At most {bytes_max} bytes.")
    if request.content_length is not None and request.content_length > bytes_max:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.content.iter_chunked(CHUNK_BYTES):
                body += chunk
                if len(body) > bytes_max:
                    raise too_large
    except TimeoutError as error:
        raise ProblemError(REQUEST_TIMEOUT) from error
    except web.RequestPayloadError as error:
        raise ProblemError(BAD_FRAME, "The body cannot be read.") from error
    return bytes(body)


class Body(Struct, forbid_unknown_fields=True):
    """A body with more rules than its types can say."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the fields together, or with their form.

        A field that is wrong by its type has a blank value here; what is said of it is
        not told.
        """


def decode(body: bytes, body_type: type[T]) -> T:
    """Return the body as the given type; raises `ProblemError` with all faults.

    Numbers are strict: 2.0 and "2" are not 2.
    """
    value, found = decode_faulty(body, body_type)
    refuse(found)
    return value


def decode_faulty(body: bytes, body_type: type[T]) -> tuple[T, Faults]:
    """Return the body as the given type, with blanks where it is wrong, and how it is.

    Raises `ProblemError` for what is no JSON, or has more faults than are told.
    """
    found = Faults()
    try:
        value = _decode(body, body_type, found)
        if isinstance(value, Body):
            value.check(found)
    except FaultyError as error:
        raise bad_fields(error.faults) from error
    return value, found


def convert(value: object, value_type: type[T]) -> T:
    """Return an already decoded value as the given type; raises `ProblemError`."""
    try:
        return msgspec.convert(value, value_type)
    except msgspec.ValidationError:
        found = Faults()
        converted = faults.convert(value, value_type, found)
        refuse(found)
        return converted


def refuse(found: Faults) -> None:
    """Raise `ProblemError` where anything is wrong."""
    if found:
        raise bad_fields(found.all())


def _decode(body: bytes, body_type: type[T], found: Faults) -> T:
    try:
        value = msgspec.json.decode(body, type=body_type)
        if _ESCAPED_NULL in body:
            # Only now, because the search of a whole body is rarely needed.
            note_bad_text(msgspec.json.decode(body), found)
        return value
    except msgspec.ValidationError:
        given = _read_any(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        given = _read_surrogates(body)
    note_bad_text(given, found)
    return faults.convert(given, body_type, found)


def _read_any(body: bytes) -> object:
    """Return the JSON value of a body that begins like one."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_surrogates(body)


def _read_surrogates(body: bytes) -> object:
    """Return a value with lone surrogates, which are wrong fields of what is JSON."""
    if len(body) <= BODY_BYTES_MAX and _ESCAPED_SURROGATE.search(body):
        try:
            return json.loads(body.decode())
        except (ValueError, RecursionError):
            # No JSON either way.
            raise ProblemError(BAD_FRAME, "The body is not JSON.") from None
    raise ProblemError(BAD_FRAME, "The body is not JSON.")


def note_bad_text(value: object, found: Faults) -> None:
    """Add each string that Postgres or UTF-8 could not hold."""
    # A stack of our own, because the value may be nested as deeply as its sender likes.
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            if not is_clean(item):
                found.add(path, "Contains U+0000 or a lone surrogate.")
        elif isinstance(item, dict):
            # MessagePack has names that are no text.
            item = {name: one for name, one in item.items() if isinstance(name, str)}
            if not all(map(is_clean, item)):
                found.add(path, "A name contains U+0000 or a lone surrogate.")
            waiting.extend(
                (inside(path, name), part) for name, part in reversed(item.items())
            )
        elif isinstance(item, list):
            waiting.extend(reversed([(below(path, i), x) for i, x in enumerate(item)]))


def is_clean(text: str) -> bool:
    """Return whether a string can be stored and sent: no U+0000, no lone surrogate."""
    return "\0" not in text and _SURROGATE.search(text) is None
