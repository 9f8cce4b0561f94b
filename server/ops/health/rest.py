"""What operators and their machines ask: alive, ready, health, metrics."""

from typing import Any, Final

from aiohttp import web
from msgspec import Struct
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from server import __version__
from server.ops.health.database_probe import DATABASE_PROBE, DURABILITY
from server.transport.http.app_keys import METRICS, READINESS
from server.transport.ratelimit.request_limits import LIMITS
from server.transport.rest.call import Call
from server.transport.rest.route import Route, operational

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
    """Return whether clients may be sent here."""
    readiness = call[READINESS]
    if readiness.ready and call[DATABASE_PROBE].status != "down":
        return call.answer(Status("ok"))
    return call.answer(Status("unavailable"), status=503)


async def show_health(call: Call) -> web.Response:
    """Tell how each part is; always 200, because this page itself works."""
    readiness = call[READINESS]
    parts = {name: dict(probe()) for name, probe in readiness.parts.items()}
    well = readiness.ready and all(
        part.get("status") in GOOD for part in parts.values()
    )
    document = Health(
        status="ok" if well else "degraded",
        version=__version__,
        durability=call[DURABILITY],
        rate_limits="off" if call.find(LIMITS) is None else "on",
        parts=parts,
    )
    return call.answer(document)


async def show_metrics(call: Call) -> web.Response:
    """Show the metrics as Prometheus reads them."""
    body = generate_latest(call[METRICS].registry)
    headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    return web.Response(body=body, headers=headers)


ROUTES: Final[tuple[Route, ...]] = (
    operational(
        "/livez",
        "show_alive",
        show_alive,
        summary="Whether the process answers",
        answers=Status,
    ),
    operational(
        "/readyz",
        "show_ready",
        show_ready,
        summary="Whether clients may be sent here (503 where not)",
        answers=Status,
    ),
    operational(
        "/health",
        "show_health",
        show_health,
        summary="How the server and its parts are",
        answers=Health,
    ),
    operational(
        "/metrics",
        "show_metrics",
        show_metrics,
        summary="Metrics for Prometheus",
        media_type="text/plain",
    ),
)
