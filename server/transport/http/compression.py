"""Large answers to reads are sent packed to whoever takes gzip.

Only reads that carry an entity tag: no answer that holds a token, a code or a key has
one, so that nobody learns a secret from how well it packs beside what he had put there.
What is packed has the tag of the original in its weak form: the same content, in other
bytes; `If-None-Match` takes both.
"""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from server.transport.http import etags
from server.transport.http.compressor import COMPRESSOR, may_compress

READS: Final = frozenset({"GET", "HEAD"})
TYPES: Final = frozenset(
    {"application/json", "text/html", "text/javascript", "text/css", "text/calendar"}
)
"""What packs well; an image is packed already."""


@web.middleware
async def compress_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Pack the answer to a read where that is worth it and welcome."""
    response = await handler(request)
    if request.method in READS and isinstance(response, web.Response):
        etag = response.headers.get("ETag")
        if etag is not None:
            await _pack(request, response, etag)
    return response


async def _pack(request: web.Request, response: web.Response, etag: str) -> None:
    headers = response.headers
    if response.status == 304:
        headers["Vary"] = "Accept-Encoding"
        headers["ETag"] = etags.as_known(request.headers.get("If-None-Match"), etag)
        return
    if response.status != 200 or response.content_type not in TYPES:
        return
    headers["Vary"] = "Accept-Encoding"
    body = response.body
    if not isinstance(body, bytes) or not may_compress(request, body):
        return
    # What has a query is kept by its tag: nobody has us pack the same again and again
    # by asking for it under other names. What has none replaces its older versions.
    name = f"{request.path} {etag}" if request.query_string else request.path
    packed = await request.app[COMPRESSOR].pack(name, etag, body)
    if packed is None:
        return
    response.body = packed
    headers["Content-Encoding"] = "gzip"
    headers["ETag"] = etags.weak(etag)
