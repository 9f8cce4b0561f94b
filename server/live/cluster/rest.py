"""The processes that share the database, and what each owns; for administrators."""

from collections import defaultdict
from datetime import datetime
from typing import Final

from aiohttp import web
from msgspec import Struct

from server.live.actors.registry import REGISTRY, EventNotFound, EventUnavailable
from server.live.cluster.membership.members import MEMBERS
from server.live.cluster.peers import PEERS
from server.live.cluster.problems import PROCESS_NOT_FOUND
from server.transport.bus.open import PROCESSES
from server.transport.http.problems import EVENT_NOT_FOUND, UNAVAILABLE, ProblemError
from server.transport.rest.call import Call
from server.transport.rest.route import WRITES, Route
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
    owned: dict[str, list[OwnedDocument]] = defaultdict(list)
    rates = await call[PEERS].rates()
    for one in await call[PROCESSES].owned():
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
        for one in sorted(call[MEMBERS].live.values(), key=lambda one: one.process)
    ]
    return call.read(ClusterDocument(processes))


async def move_event(call: Call) -> web.Response:
    """Let an event move to another process while it sells."""
    body = await call.body(Move)
    if body.process not in call[MEMBERS].live:
        raise ProblemError(PROCESS_NOT_FOUND)
    try:
        await call[REGISTRY].find(body.event)
        said = await call[PEERS].move(body.event, body.process)
    except EventNotFound as error:
        raise ProblemError(EVENT_NOT_FOUND) from error
    except EventUnavailable as error:
        raise ProblemError(UNAVAILABLE) from error
    if not said:
        raise ProblemError(UNAVAILABLE)
    return call.answer(body, status=202)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/cluster",
        handler=show_cluster,
        name="show_cluster",
        summary="Show the processes that serve, and what each owns",
        tag="Operation",
        access="admin",
        answers=ClusterDocument,
        cached=True,
        problems=(UNAVAILABLE,),
    ),
    Route(
        method="POST",
        path="/v1/cluster/move",
        handler=move_event,
        name="move_event",
        summary="Give an event to another process while it sells",
        tag="Operation",
        access="admin",
        body=Move,
        answers=Move,
        status=202,
        # A move to where the event is already is none.
        keyed=True,
        problems=(*WRITES, EVENT_NOT_FOUND, PROCESS_NOT_FOUND),
    ),
)
