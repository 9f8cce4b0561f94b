"""The processes that share the database, and what each owns; for administrators."""

from collections import defaultdict
from datetime import datetime

from aiohttp import web
from msgspec import Struct

from server.live.actors.registry import EventNotFound, EventUnavailable
from server.transport.http.problems import ProblemError
from server.transport.rest.call import Call
from server.transport.rest.times import from_ms


class OwnedDocument(Struct):
    """An event with an owner whose lease is good."""

    event: str
    epoch: int
    version: int
    lease_until: datetime
    commits_per_s: float


class ProcessDocument(Struct):
    """One serving process; `address` is where clients reach it directly."""

    process: str
    pid: int
    address: str | None
    started_at: datetime
    version: str
    leaving: bool
    events: list[OwnedDocument]


class ClusterDocument(Struct):
    """All living processes."""

    processes: list[ProcessDocument]


class Move(Struct, forbid_unknown_fields=True):
    """Which event is to move, and to which process."""

    event: str
    process: str


async def show_cluster(call: Call) -> web.Response:
    """Tell which processes live, which events each owns, and how busy these are."""
    context = call.context
    owned: dict[str, list[OwnedDocument]] = defaultdict(list)
    rates = await context.cluster.rates()
    for one in await context.processes.owned():
        owned[one.process].append(
            OwnedDocument(
                event=one.event,
                epoch=one.epoch,
                version=one.version,
                lease_until=from_ms(one.lease_until_ms),
                commits_per_s=rates.get(one.event, 0.0),
            )
        )
    processes = [
        ProcessDocument(
            process=one.process,
            pid=one.pid,
            address=one.address,
            started_at=from_ms(one.started_at_ms),
            version=one.version,
            leaving=one.leaving,
            events=owned[one.process],
        )
        for one in sorted(context.members.live.values(), key=lambda one: one.process)
    ]
    return call.read(ClusterDocument(processes))


async def move_event(call: Call) -> web.Response:
    """Let an event move to another process while it sells."""
    body = await call.body(Move)
    context = call.context
    if body.process not in context.members.live:
        raise ProblemError("process_not_found")
    try:
        await context.shards.find(body.event)
        said = await context.cluster.move(body.event, body.process)
    except EventNotFound as error:
        raise ProblemError("event_not_found") from error
    except EventUnavailable as error:
        raise ProblemError("unavailable") from error
    if not said:
        raise ProblemError("unavailable")
    return call.answer(body, status=202)
