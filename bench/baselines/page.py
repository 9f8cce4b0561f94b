"""A bare aiohttp handler that answers with bytes it was given: the limit of REST."""

import sys

import msgspec
from aiohttp import web

from bench.baselines import shell


def main() -> None:
    """Serve the answer of the plan on stdin, its type and its bytes, until SIGTERM."""
    kind, text = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[str, bytes])

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=text, headers={"Content-Type": kind})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    shell.serve(app)


if __name__ == "__main__":
    main()
