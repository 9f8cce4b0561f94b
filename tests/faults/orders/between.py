"""Stands between a shop and its gateway, both ways: counts, holds back, tells rubbish.

A spring waits for one message. When that comes, whoever sent it waits for an answer
until the spring is let go; so a test may end a process just then.
"""

import asyncio
from collections import Counter
from typing import Literal

import aiohttp
from aiohttp import web

When = Literal["before", "after"]
BODY_BYTES_MAX = 1 << 20
RUBBISH = b"<html>\xff{"
HOP = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class Spring:
    """Holds back the first message that has all of some words in its address or body.

    `before` it is passed on, so that it never arrives; `after` that, so that its answer
    is lost.
    """

    def __init__(self, method: str, end: str, words: str, when: When) -> None:
        self.method, self.end, self.words, self.when = method, end, words, when
        self.sprung = asyncio.Event()
        self.let_go = asyncio.Event()

    def fits(self, method: str, path: str, body: bytes) -> bool:
        """Return whether this is the message that it waits for."""
        return (
            not self.sprung.is_set()
            and method == self.method
            and path.endswith(self.end)
            and all(
                word in path or word.encode() in body for word in self.words.split()
            )
        )

    async def hold(self) -> None:
        """Tell that it is here; stay until that is enough."""
        self.sprung.set()
        await self.let_go.wait()


class Between:
    """Passes messages on to one address, on a port of its own."""

    def __init__(self) -> None:
        self.target = ""
        self.url = ""
        self.springs: list[Spring] = []
        self.rubbish = False
        """Whether to answer what nobody can read, and pass nothing on."""
        self.passed: Counter[str] = Counter()
        """How many messages came, by the end of their address."""
        self.statuses: Counter[int] = Counter()
        """How they were answered; 0 where nobody did."""
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def open(self) -> "Between":
        """Listen."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{rest:.*}", self._take)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def close(self) -> None:
        """Let everything go."""
        self.let_go()
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    def spring(self, method: str, end: str, words: str, when: When) -> Spring:
        """Hold back the next message that fits."""
        made = Spring(method, end, words, when)
        self.springs.append(made)
        return made

    def let_go(self) -> None:
        """Hold nothing back any more."""
        for one in self.springs:
            one.let_go.set()
        self.springs.clear()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.passed[request.path.rpartition("/")[2]] += 1
        if self.rubbish:
            return web.Response(body=RUBBISH, content_type="application/json")
        fits = [
            one
            for one in self.springs
            if one.fits(request.method, request.path_qs, body)
        ]
        spring = fits[0] if fits else None
        if spring is not None and spring.when == "before":
            await spring.hold()
            return web.Response(status=502)
        status, kind, answer = await self._pass(request, body)
        self.statuses[status] += 1
        if spring is not None:
            await spring.hold()
            return web.Response(status=502)
        if status == 0 and request.transport is not None:
            # As if nobody listened: no answer at all, to who is still there.
            request.transport.close()
        return web.Response(body=answer, status=status or 502, content_type=kind)

    async def _pass(self, request: web.Request, body: bytes) -> tuple[int, str, bytes]:
        """Pass a message on; a status of 0 where nobody answers it."""
        assert self._session is not None
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in HOP
        }
        try:
            async with self._session.request(
                request.method,
                self.target + request.path_qs,
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                return answer.status, answer.content_type, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, "text/plain", b""
