"""Who verifies captchas, on loopback: honest, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class Verifier:
    """Says yes to `good`, once, to whoever knows the secret; `mood` is how it is."""

    def __init__(self) -> None:
        self.mood = "honest"
        self.asked: list[dict[str, Any]] = []
        self.used: set[str] = set()
        self.let_go = asyncio.Event()
        self.url = ""

    async def verify(self, request: web.Request) -> web.Response:
        """Answer as its mood is."""
        form = dict(await request.post())
        self.asked.append(form)
        match self.mood:
            case "slow":
                await self.let_go.wait()
            case "broken":
                return web.Response(status=503)
            case "page":
                return web.Response(text="<html>success: true</html>")
            case "nonsense":
                return web.json_response({"success": "yes"})
            case "list":
                return web.json_response([True])
            case "endless":
                return web.Response(body=b'{"success":true,' + b" " * 100_000 + b"}")
            case "elsewhere":
                raise web.HTTPTemporaryRedirect(self.url + "?other")
            case _:
                pass
        answer = str(form.get("response", ""))
        good = (
            form.get("secret") == "the secret"
            and answer.startswith("good")
            and answer not in self.used
        )
        self.used.add(answer)
        return web.json_response(
            {"success": good, "error-codes": [] if good else ["invalid-input-response"]}
        )


@asynccontextmanager
async def open_verifier() -> AsyncIterator[Verifier]:
    """Serve one on loopback, on a port of its own."""
    verifier = Verifier()
    app = web.Application()
    app.router.add_post("/siteverify", verifier.verify)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    verifier.url = f"http://{host}:{port}/siteverify"
    try:
        yield verifier
    finally:
        verifier.let_go.set()
        await runner.cleanup()
