"""A bare aiohttp websocket echo: what this stack can do when nothing is asked of it."""

from aiohttp import WSMsgType, web

from bench.baselines import shell


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send every frame back."""
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        if message.type is WSMsgType.TEXT:
            await ws.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await ws.send_bytes(message.data)
    return ws


def main() -> None:
    """Serve until SIGTERM."""
    app = web.Application()
    app.router.add_get("/v1/ws", echo)
    shell.serve(app)


if __name__ == "__main__":
    main()
