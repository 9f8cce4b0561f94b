"""From a request's bytes to a checked value, and to the problem where that fails."""

import asyncio
import json
import re
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from inventory.names import NAME_PATTERN, NO_NAME, NO_TEXT, TEXT_PATTERN
from server.transport.http.problems import (
    BAD_FRAME,
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemError,
    bad_field,
)

BODY_BYTES_MAX: Final = 64 << 10
CHART_BYTES_MAX: Final = 16 << 20
BODY_TIMEOUT_S: Final = 30
CHUNK_BYTES: Final = 64 << 10

T = TypeVar("T")

_ESCAPED_NULL: Final = b"\\u0000"
_ESCAPED_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_PATH: Final = re.compile(r" - at `(key in )?\$\.?([^`]*)`$")
_NAMED_FIELD: Final = re.compile(r"(?:unknown|required) field `([^`]*)`")
_WORDS: Final = {
    f"Expected `str` matching regex {NAME_PATTERN!r}": NO_NAME.rstrip("."),
    f"Expected `str` matching regex {TEXT_PATTERN!r}": NO_TEXT.rstrip("."),
}
"""What was found wrong, for people who read no patterns."""
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


def decode(body: bytes, body_type: type[T]) -> T:
    """Return the body as the given type; raises `ProblemError`.

    Numbers are strict: 2.0 and "2" are not 2.
    """
    try:
        value = msgspec.json.decode(body, type=body_type)
    except msgspec.ValidationError as error:
        raise _explain(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(body) from error
    if _ESCAPED_NULL in body:
        # Only now, because the search of a whole body is rarely needed.
        refuse_bad_text(msgspec.json.decode(body))
    return value


def convert(value: object, value_type: type[T]) -> T:
    """Return an already decoded value as the given type; raises `ProblemError`."""
    try:
        return msgspec.convert(value, value_type)
    except msgspec.ValidationError as error:
        raise _explain(error) from error


def refuse_bad_text(value: object) -> None:
    """Raise for the first string that Postgres or UTF-8 could not hold."""
    # A stack of our own, because the value may be nested as deeply as its sender likes.
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            if not is_clean(item):
                raise bad_field(path, "Contains U+0000 or a lone surrogate.")
        elif isinstance(item, dict):
            for name, part in item.items():
                if not is_clean(name):
                    raise bad_field(path, "A name contains U+0000 or a lone surrogate.")
                waiting.append((f"{path}.{name}" if path else name, part))
        elif isinstance(item, list):
            waiting.extend((f"{path}[{i}]", part) for i, part in enumerate(item))


def is_clean(text: str) -> bool:
    """Return whether a string can be stored and sent: no U+0000, no lone surrogate."""
    return "\0" not in text and _SURROGATE.search(text) is None


def _explain(error: msgspec.ValidationError) -> ProblemError:
    message = str(error)
    for asked, words in _WORDS.items():
        message = message.replace(asked, words)
    path = ""
    found = _PATH.search(message)
    if found is not None:
        path = found.group(2)
        message = message[: found.start()]
    named = _NAMED_FIELD.search(message)
    if named is not None:
        path = f"{path}.{named.group(1)}" if path else named.group(1)
    return bad_field(path, f"{message}.")


def _unreadable(body: bytes) -> ProblemError:
    """Tell a lone surrogate, which is a wrong field, from bytes that are no JSON."""
    if len(body) <= BODY_BYTES_MAX and _ESCAPED_SURROGATE.search(body):
        try:
            value: Any = json.loads(body)
            refuse_bad_text(value)
        except ProblemError as error:
            return error
        except (ValueError, RecursionError):
            # No JSON either way.
            return ProblemError(BAD_FRAME, "The body is not JSON.")
    return ProblemError(BAD_FRAME, "The body is not JSON.")
