"""Answers of others: taken up to a length, as they came."""

import gzip

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.transport.client.answers import AnswerTooLong, open_session, read_answer

BYTES_MAX = 1_000


async def answer_of(body: bytes, **headers: str) -> bytes:
    asked: list[web.Request] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(body=body, headers={"Set-Cookie": "a=b", **headers})

    app = web.Application()
    app.router.add_get("/", handle)
    async with TestServer(app) as server, open_session() as session:
        # By name: no client keeps cookies of an address.
        url = server.make_url("/").with_host("localhost")
        async with session.get(url) as response:
            await response.read()
        async with session.get(url) as response:
            told = await read_answer(response, BYTES_MAX)
    assert [one.headers["Accept-Encoding"] for one in asked] == ["identity"] * 2
    assert all("Cookie" not in one.headers for one in asked)
    return told


async def test_an_answer_is_read_up_to_its_longest():
    body = b"x" * BYTES_MAX
    assert await answer_of(body) == body
    with pytest.raises(AnswerTooLong):
        await answer_of(body + b"x")


async def test_what_is_packed_is_not_unpacked():
    packed = gzip.compress(b"x" * 100 * BYTES_MAX)
    assert len(packed) < BYTES_MAX
    assert await answer_of(packed, **{"Content-Encoding": "gzip"}) == packed
