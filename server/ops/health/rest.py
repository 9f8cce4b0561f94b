"""What operators and their machines ask: alive, ready, health, metrics."""

from functools import partial
from hmac import compare_digest
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from server import __version__
from server.base.jobs import JobState
from server.live.cluster.membership.members import MEMBERS
from server.ops.health.condition import (
    Condition,
    merge_jobs,
    merge_parts,
    problems_of,
)
from server.ops.health.database_probe import DURABILITY
from server.ops.health.exposition import Merged, decode_families
from server.ops.health.kept import Kept
from server.ops.health.machine import Disk
from server.ops.health.observer import CONDITION, METRICS_ABOUT, OBSERVER
from server.transport.bus.questions import ASKING
from server.transport.http.app_keys import INSTANCE, METRICS, SETTINGS
from server.transport.http.problems import UNAUTHENTICATED, ProblemError
from server.transport.ratelimit.request_limits import LIMITS
from server.transport.rest.call import Call
from server.transport.rest.guard import bearer_of
from server.transport.rest.route import Route, operational


class Status(Struct):
    """Whether something is as it should be."""

    status: str
    reason: str | UnsetType = UNSET
    """Why it is not, in a sentence."""


class ProcessHealth(Struct):
    """What one process takes, and what waits in it."""

    process: str
    ready: bool
    queue_depth: int
    activity_waiting: int
    connections: int
    websockets: int
    memory_bytes: int
    cpu_seconds: float
    cpu_cores: float
    disk: Disk


class Health(Struct):
    """The server and its parts, whichever process is asked."""

    status: str
    version: str
    durability: str
    rate_limits: str
    problems: list[str]
    parts: dict[str, dict[str, Any]]
    jobs: dict[str, JobState]
    processes: list[ProcessHealth]


log = structlog.get_logger()
_decode = msgspec.msgpack.Decoder(Condition).decode


async def show_alive(call: Call) -> web.Response:
    """Return whether to leave this server running: 503 where only a new one helps."""
    ailment = call[OBSERVER].ailment
    if ailment is None:
        return call.answer(Status("ok"))
    return call.answer(Status("unavailable", ailment), status=503)


async def show_ready(call: Call) -> web.Response:
    """Return whether clients may be sent here, to any process at this address."""
    hindrance = call[OBSERVER].hindrance
    if hindrance is None:
        return call.answer(Status("ok"))
    # One that begins or ends is no reason to send clients away from its siblings.
    if await call[KEPT].siblings_ready.get():
        return call.answer(Status("ok"))
    return call.answer(Status("unavailable", hindrance), status=503)


async def show_health(call: Call) -> web.Response:
    """Tell how the server is; always 200, because this page itself works."""
    return call.answer(msgspec.Raw(await call[KEPT].health.get()))


async def show_metrics(call: Call) -> web.Response:
    """Show the metrics as Prometheus reads them: of all processes at this address.

    Where there may be several, each sample says of which process it is.
    """
    token = call[SETTINGS].metrics_token
    if token is not None and not _shows(call, token):
        raise ProblemError(UNAUTHENTICATED, "The metrics need the token that was set.")
    headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    return web.Response(body=await call[KEPT].metrics.get(), headers=headers)


def _shows(call: Call, token: str) -> bool:
    """Return whether a request shows this token, in a time that tells nothing of it."""
    shown = bearer_of(call.request.headers.get("Authorization", ""))
    return shown is not None and compare_digest(shown.encode(), token.encode())


async def _make_health(app: web.Application) -> bytes:
    asked = app[MEMBERS].staying()
    others = await _conditions(app, asked)
    conditions = [app[OBSERVER].condition(), *others]
    conditions.sort(key=lambda one: one.process)
    parts, jobs = merge_parts(conditions), merge_jobs(conditions)
    heard = {one.process for one in others}
    silent = [one for one in asked if one not in heard]
    problems = problems_of(conditions, silent, parts, jobs)
    document = Health(
        status="degraded" if problems else "ok",
        version=__version__,
        durability=app[DURABILITY],
        rate_limits="off" if app.get(LIMITS) is None else "on",
        problems=problems,
        parts=parts,
        jobs=dict(sorted(jobs.items())),
        processes=[
            msgspec.convert(one, ProcessHealth, from_attributes=True)
            for one in conditions
        ],
    )
    return msgspec.json.encode(document)


async def _make_metrics(app: web.Application) -> bytes:
    registry, instance = app[METRICS].registry, app[INSTANCE]
    if not instance.supervised:
        return generate_latest(registry)
    siblings = app[MEMBERS].siblings(instance.node)
    said = await app[ASKING].ask(METRICS_ABOUT, siblings)
    merged = Merged()
    merged.add(instance.process, registry.collect())
    for process, data in sorted(said.items()):
        merged.add(process, decode_families(data))
    return generate_latest(merged)


async def _are_siblings_ready(app: web.Application) -> bool:
    siblings = app[MEMBERS].siblings(app[INSTANCE].node)
    return any(one.ready for one in await _conditions(app, siblings))


async def _conditions(app: web.Application, whom: list[str]) -> list[Condition]:
    """Return how other processes say that they are, those that do."""
    said = await app[ASKING].ask(CONDITION, whom)
    conditions = []
    for process, data in said.items():
        try:
            conditions.append(_decode(data))
        except msgspec.DecodeError as error:
            # Of another version, while one replaces the other.
            log.warning("a condition is unreadable", process=process, error=str(error))
    return conditions


class KeptAnswers:
    """What is asked of all processes, and made only so often whoever asks."""

    def __init__(self, app: web.Application) -> None:
        self.health = Kept(partial(_make_health, app))
        self.metrics = Kept(partial(_make_metrics, app))
        self.siblings_ready = Kept(partial(_are_siblings_ready, app))


KEPT: Final = web.AppKey("kept answers", KeptAnswers)

ROUTES: Final[tuple[Route, ...]] = (
    operational(
        "/livez",
        "show_alive",
        show_alive,
        budget="probe",
        who="Asks nobody who they are, and is not limited.",
        summary="Whether the server may go on (503: start it anew)",
        answers=Status,
    ),
    operational(
        "/readyz",
        "show_ready",
        show_ready,
        budget="probe",
        who="Asks nobody who they are, and is not limited.",
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
        who="Asks nobody who they are, unless a token was set for it: then it needs "
        "that one (`Authorization: Bearer`).",
        summary="Metrics for Prometheus",
        problems=(UNAUTHENTICATED,),
        media_type="text/plain",
    ),
)
