"""Images of events: uploaded, shown, taken down."""

import asyncio
import re
from typing import Annotated, Final

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Meta, Struct

from inventory.names import NO_TEXT, NOTE_PATTERN, is_note
from persistence.errors import TooMany
from server.base.refusals.refusals import too_many
from server.events.catalogue.bodies import EventDocument
from server.events.catalogue.rest import answer_event, find_managed_event
from server.events.catalogue.row_cache import ROWS
from server.events.images.encoding import MEDIA_TYPE, SIZES, UPLOAD_BYTES_MAX, BadImage
from server.events.images.keeper import IMAGES, OtherUpload
from server.events.images.problems import BAD_IMAGE, IMAGE_NOT_FOUND
from server.events.images.stores import StoreUnavailable
from server.transport.children.workshop import Busy
from server.transport.http import etags
from server.transport.http.problems import (
    BAD_FIELD,
    BAD_FRAME,
    KEY_REUSED,
    LIMIT_REACHED,
    OVERLOADED,
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemError,
    bad_field,
)
from server.transport.http.response_cache import CACHES
from server.transport.rest.bodies import BODY_TIMEOUT_S, CHUNK_BYTES
from server.transport.rest.call import Call
from server.transport.rest.idempotency import new_id
from server.transport.rest.query import choice_of
from server.transport.rest.route import EVENT, WRITES, Query, Route

FIELD: Final = "image"
CAPTION: Final = "caption"
CAPTION_LENGTH_MAX: Final = 500
FORM_BYTES_MAX: Final = UPLOAD_BYTES_MAX + (64 << 10)
"""An upload with what a form puts around it."""

SIZES_MAX: Final = {FIELD: UPLOAD_BYTES_MAX, CAPTION: 4 * CAPTION_LENGTH_MAX}
"""In bytes; a character has up to four."""

NAME_SHOWN_MAX: Final = 50
"""How much of a name that a form has is repeated."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""An id is never given to another image."""

_ID: Final = re.compile(r"img_[A-Za-z0-9_-]{22}")

_NO_FORM: Final = (
    # Whatever aiohttp's reader says of a form that is none.
    AssertionError,
    HttpProcessingError,
    ValueError,
    web.HTTPException,
    web.RequestPayloadError,
)
_TOO_LARGE: Final = f"At most {UPLOAD_BYTES_MAX} bytes."


class ImageForm(Struct):
    """A form with one file, and what is said of it."""

    image: Annotated[
        str,
        Meta(
            description="A JPEG, PNG, GIF or WebP of at most 5 MiB and 50 million "
            "pixels; of what moves, the first picture.",
            extra_json_schema={"contentMediaType": "application/octet-stream"},
        ),
    ]
    caption: Annotated[
        str,
        Meta(
            max_length=CAPTION_LENGTH_MAX,
            pattern=NOTE_PATTERN,
            description="What is to be seen in it.",
        ),
    ] = ""


class Upload(Struct):
    """What was in a form."""

    image: bytes
    caption: str


async def upload_image(call: Call) -> web.Response:
    """Let an event show an image, in place of the one that it had."""
    user, key = call.who.user, call.key
    event = await find_managed_event(call)
    upload = await read_upload(call.request)
    try:
        await call[IMAGES].take(
            new_id("img", user, key),
            event.id,
            upload.image,
            user=user,
            caption=upload.caption,
        )
    except BadImage as error:
        raise ProblemError(BAD_IMAGE, str(error)) from error
    except OtherUpload as error:
        raise ProblemError(KEY_REUSED) from error
    except TooMany as error:
        raise too_many(error) from error
    except Busy as error:
        raise ProblemError(OVERLOADED) from error
    except StoreUnavailable as error:
        raise ProblemError(UNAVAILABLE) from error
    call[ROWS].edited(event.id)
    call[CACHES].settings_changed()
    return await answer_event(call, event)


async def delete_image(call: Call) -> web.Response:
    """Let an event show no image."""
    # A second time is none.
    event = await find_managed_event(call)
    await call[IMAGES].hide(event.id, call.seen)
    call[ROWS].edited(event.id)
    call[CACHES].settings_changed()
    return call.done()


async def show_image(call: Call) -> web.Response:
    """Answer with a file of an image."""
    image = call.path("image", IMAGE_NOT_FOUND)
    if _ID.fullmatch(image) is None:
        raise ProblemError(IMAGE_NOT_FOUND)
    size = choice_of(call.request.query, "size", tuple(SIZES)) or "large"
    etag = f'"0-{image}.{size}"'
    headers = {
        "ETag": etag,
        "Cache-Control": IMMUTABLE,
        # The shop's pages show it, wherever they are.
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if etags.matches(call.request.headers.get("If-None-Match"), etag):
        return web.Response(status=304, headers=headers)
    try:
        data = await call[IMAGES].find(image, size)
    except StoreUnavailable as error:
        raise ProblemError(UNAVAILABLE) from error
    if data is None:
        raise ProblemError(IMAGE_NOT_FOUND)
    return web.Response(body=data, content_type=MEDIA_TYPE, headers=headers)


async def read_upload(request: web.Request) -> Upload:
    """Return what is in a form; never takes more than the limit into memory."""
    if request.content_type != "multipart/form-data":
        detail = f"Send multipart/form-data with a file named {FIELD}."
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, detail)
    if request.content_length is not None and request.content_length > FORM_BYTES_MAX:
        raise ProblemError(TOO_LARGE, _TOO_LARGE)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await _read_form(await request.multipart())
    except TimeoutError as error:
        raise ProblemError(REQUEST_TIMEOUT) from error
    except _NO_FORM as error:
        raise ProblemError(BAD_FRAME, "The form cannot be read.") from error


async def _read_form(form: MultipartReader) -> Upload:
    """Return the only file of a form, and its caption."""
    parts: dict[str, bytes] = {}
    async for part in form:
        if not isinstance(part, BodyPartReader) or part.name not in (FIELD, CAPTION):
            raise _misnamed(part.name if isinstance(part, BodyPartReader) else None)
        if part.name in parts:
            raise bad_field(part.name, f"The form has more than one {part.name}.")
        parts[part.name] = await _read_part(part, SIZES_MAX[part.name])
    if FIELD not in parts:
        raise bad_field(FIELD, f"The form has no file; add it as {FIELD}.")
    return Upload(parts[FIELD], _caption_of(parts.get(CAPTION, b"")))


def _misnamed(name: str | None) -> ProblemError:
    """Say how the fields of the form are called."""
    detail = f"The file's field is called {FIELD}, and what is said of it {CAPTION}"
    if name and len(name) <= NAME_SHOWN_MAX and name.isprintable():
        return bad_field(FIELD, f"{detail}; this form has a field {name}.")
    return bad_field(FIELD, f"{detail}; nothing else may be in the form.")


def _caption_of(data: bytes) -> str:
    try:
        caption = data.decode().strip()
    except UnicodeDecodeError as error:
        raise bad_field(CAPTION, "Not UTF-8.") from error
    if len(caption) > CAPTION_LENGTH_MAX:
        raise bad_field(CAPTION, f"At most {CAPTION_LENGTH_MAX} characters.")
    if not is_note(caption):
        raise bad_field(CAPTION, NO_TEXT)
    return caption


async def _read_part(part: BodyPartReader, bytes_max: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(CHUNK_BYTES):
        data += chunk
        if len(data) > bytes_max:
            if part.name == CAPTION:
                raise bad_field(CAPTION, f"At most {CAPTION_LENGTH_MAX} characters.")
            raise ProblemError(TOO_LARGE, _TOO_LARGE)
    return bytes(data)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/events/{event}/image",
        handler=upload_image,
        name="upload_image",
        summary="Let an event show an image, in place of the one that it had",
        tag="Events",
        access="manager",
        scope="events:write",
        body=ImageForm,
        body_media_type="multipart/form-data",
        answers=EventDocument,
        keyed=True,
        problems=(*WRITES, *EVENT, BAD_IMAGE, KEY_REUSED, LIMIT_REACHED, OVERLOADED),
    ),
    Route(
        method="DELETE",
        path="/v1/events/{event}/image",
        handler=delete_image,
        name="delete_image",
        summary="Let an event show no image",
        tag="Events",
        access="manager",
        scope="events:write",
        status=204,
        keyed=True,
        problems=(BAD_FIELD, *EVENT),
    ),
    Route(
        method="GET",
        path="/v1/images/{image}",
        handler=show_image,
        name="show_image",
        summary="Show an image, which never changes",
        tag="Events",
        access="anyone",
        scope="events:read",
        media_type=MEDIA_TYPE,
        cached=True,
        # A page has many of them.
        budget="cheap",
        query=(
            Query(
                "size",
                {"type": "string", "enum": list(SIZES), "default": "large"},
                "The longest side is at most 1,600 or 480 pixels.",
            ),
        ),
        problems=(IMAGE_NOT_FOUND, BAD_FIELD, UNAVAILABLE),
    ),
)
