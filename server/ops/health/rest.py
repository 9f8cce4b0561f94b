"""What operators and their machines ask: alive, ready, health, metrics."""

from typing import Any

from aiohttp import web
from msgspec import Struct
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from server import __version__
from server.transport.rest.call import Call

GOOD = frozenset({"ok", "off"})


class Status(Struct):
    """Whether something is as it should be."""

    status: str


class Health(Struct):
    """The server and its parts."""

    status: str
    version: str
    durability: str
    rate_limits: str
    parts: dict[str, dict[str, Any]]


async def show_alive(call: Call) -> web.Response:
    """Answer at all: the loop turns."""
    return call.answer(Status("ok"))


async def show_ready(call: Call) -> web.Response:
    """Tell whether clients may be sent here."""
    context = call.context
    if context.ready and context.pulse.status != "down":
        return call.answer(Status("ok"))
    return call.answer(Status("unavailable"), status=503)


async def show_health(call: Call) -> web.Response:
    """Tell how each part is; always 200, because this page itself works."""
    context = call.context
    parts = {name: dict(probe()) for name, probe in context.parts.items()}
    well = context.ready and all(part.get("status") in GOOD for part in parts.values())
    document = Health(
        status="ok" if well else "degraded",
        version=__version__,
        durability=context.durability,
        rate_limits="off" if context.limits is None else "on",
        parts=parts,
    )
    return call.answer(document)


async def show_metrics(call: Call) -> web.Response:
    """Show the metrics as Prometheus reads them."""
    body = generate_latest(call.context.metrics.registry)
    headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    return web.Response(body=body, headers=headers)
