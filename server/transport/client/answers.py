"""What others answer over HTTP: read to an end that we set, and never unpacked."""

import aiohttp


class AnswerTooLong(ValueError):
    """Nobody who means well answers with so much."""


def open_session() -> aiohttp.ClientSession:
    """Return a session that keeps no cookies and asks for nothing packed."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        # What is packed is no answer: a small one may become very large.
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
    )


async def read_answer(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """Return a body. Raises `AnswerTooLong`, without reading it to its end."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > bytes_max:
            raise AnswerTooLong("its answer is too long")
    return bytes(body)
