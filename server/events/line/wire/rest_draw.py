"""Draws over REST: what anybody checks them by, and what managers do about them."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Annotated, Final

from aiohttp import hdrs, web
from msgspec import Meta

from inventory.line.draw import BUCKETS, BucketProof
from persistence.errors import Unavailable
from server.events.line.drawer.service import DRAW_SERVICE
from server.events.line.service_control import LINE_CONTROL
from server.events.line.transcript.service import TRANSCRIPTS
from server.events.line.wire.bodies import LineDocument
from server.events.line.wire.examples import LINE as LINE_EXAMPLE
from server.events.line.wire.problems import DRAW_NOT_FOUND
from server.events.line.wire.rest import LINE, TAG
from server.events.line.wire.rest_control import MANAGES, answer
from server.transport.http.problems import BAD_FIELD, EVENT_NOT_FOUND, bad_field
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.examples import Examples
from server.transport.rest.paging import read_number
from server.transport.rest.route import EVENT, Query, Route
from server.transport.rest.story import EVENT_ID

MEDIA_TYPE: Final = "application/x-ndjson"
GZIP_BITS: Final = 31
"""What tells zlib to write a head and an end as gzip has them."""

PACK_LEVEL: Final = 1


DRAW_MAX: Final = 2**31 - 1
"""As many draws as a line can have."""


class RestartBody(Body):
    """Which draw is given up: asked again, no other one is. The open one without it."""

    draw: Annotated[int, Meta(ge=1, le=DRAW_MAX)] | None = None


class HalfSent(Exception):
    """The rest of a transcript cannot be read: only closing tells who takes it."""


async def show_entrants(call: Call) -> web.Response:
    """Show one bucket of the list of entrants, with what ties it to the root."""
    event, query = call.path("event", EVENT_NOT_FOUND), call.request.query
    bucket = read_number("bucket", query.get("bucket", ""))
    if bucket >= BUCKETS:
        raise bad_field("bucket", f"There are buckets 0 to {BUCKETS - 1:,}.")
    service = call[DRAW_SERVICE]
    return call.read(
        await service.entrants(call.identity, event, bucket, _draw_of(call))
    )


async def show_transcript(call: Call) -> web.StreamResponse:
    """Give the transcript of a draw, as it is made."""
    event = call.path("event", EVENT_NOT_FOUND)
    pieces = call[TRANSCRIPTS].write(call.identity, event, _draw_of(call))
    # What is wrong is mostly wrong at once: then the answer can still say so.
    first = await anext(pieces)
    packs = takes_gzip(call.request)
    response = web.StreamResponse(
        headers={
            "Content-Type": MEDIA_TYPE,
            "Cache-Control": "no-cache",
            "Vary": "Accept-Encoding",
            **({"Content-Encoding": "gzip"} if packs else {}),
        }
    )
    await response.prepare(call.request)
    if call.request.method == hdrs.METH_HEAD:
        # What is sent after a head would be taken for the next answer.
        return response
    try:
        await _send(response, first, pieces, packs=packs)
    except (Unavailable, zlib.error) as error:
        raise HalfSent(event) from error
    await response.write_eof()
    return response


async def _send(
    response: web.StreamResponse,
    first: bytes,
    pieces: AsyncIterator[bytes],
    *,
    packs: bool,
) -> None:
    if not packs:
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
        return
    packer = zlib.compressobj(PACK_LEVEL, zlib.DEFLATED, GZIP_BITS)
    await response.write(await asyncio.to_thread(packer.compress, first))
    async for piece in pieces:
        await response.write(await asyncio.to_thread(packer.compress, piece))
    await response.write(packer.flush())


def takes_gzip(request: web.Request) -> bool:
    """Return whether a client says that it takes gzip."""
    for one in request.headers.get(hdrs.ACCEPT_ENCODING, "").split(","):
        name, _, quality = one.partition(";")
        if name.strip().lower() == "gzip":
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


async def draw_line(call: Call) -> web.Response:
    """Have a draw go on at once whose list is closed."""
    _, event = call.key, call.path("event", EVENT_NOT_FOUND)
    return answer(call, await call[DRAW_SERVICE].hasten(call.who, event))


async def restart_line(call: Call) -> web.Response:
    """Give a draw up for another one, with a commitment of its own."""
    _, event = call.key, call.path("event", EVENT_NOT_FOUND)
    managed = await call[LINE_CONTROL].managed(call.who, event)
    body = await call.body(RestartBody) if call.request.can_read_body else RestartBody()
    return answer(call, await call[DRAW_SERVICE].restart(managed, body.draw))


def _draw_of(call: Call) -> int | None:
    text = call.request.query.get("draw")
    if text is None:
        return None
    # Whatever is more than there can be names none that there is.
    return min(read_number("draw", text, least=1), DRAW_MAX)


DRAW: Final = Query(
    "draw",
    {"type": "integer", "minimum": 1},
    "Which draw of the event; the newest without it.",
)
SHOWS: Final = (*EVENT, BAD_FIELD, DRAW_NOT_FOUND)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path=f"{LINE}/entrants",
        handler=show_entrants,
        name="show_entrants",
        summary="Show one bucket of the list of entrants, with its proof",
        tag=TAG,
        access="anyone",
        scope="events:read",
        answers=BucketProof,
        cached=True,
        query=(
            Query(
                "bucket",
                {"type": "integer", "minimum": 0, "maximum": BUCKETS - 1},
                "The first ten bits of the stub that is looked for.",
            ),
            DRAW,
        ),
        problems=SHOWS,
    ),
    Route(
        method="GET",
        path=f"{LINE}/transcript",
        handler=show_transcript,
        name="show_transcript",
        summary="Give the transcript of a draw, for `onsale verify`",
        tag=TAG,
        access="anyone",
        scope="events:read",
        media_type=MEDIA_TYPE,
        query=(DRAW,),
        problems=SHOWS,
    ),
    Route(
        method="POST",
        path=f"{LINE}/draw",
        handler=draw_line,
        name="draw_line",
        keyed=True,
        summary="Have a draw go on at once whose list is closed",
        tag=TAG,
        access="manager",
        scope="events:write",
        answers=LineDocument,
        problems=MANAGES,
    ),
    Route(
        method="POST",
        path=f"{LINE}/restart",
        handler=restart_line,
        name="restart_line",
        keyed=True,
        summary="Give a draw up for another one",
        tag=TAG,
        access="manager",
        scope="events:write",
        body=RestartBody,
        body_required=False,
        answers=LineDocument,
        problems=MANAGES,
    ),
)

EXAMPLES: Final = Examples(
    requests={"restart_line": {"draw": 1}},
    answers={
        "show_entrants": {
            "bucket": 740,
            "draw": 1,
            "entries": 8,
            "event": EVENT_ID,
            "hashes": "/cBuzs0pi9L3+N7mcu2yc4...",
            "ranks": [8, 1],
            "root": LINE_EXAMPLE["root"],
            "stubs": "uStLbRDY33mTCgC6ajWZTbksVv/3/DQzGfYP/4mOf8A=",
        },
        "draw_line": LINE_EXAMPLE,
        "restart_line": {**LINE_EXAMPLE, "draw": 2},
    },
    queries={"show_entrants": {"bucket": 740, "draw": 1}},
)
