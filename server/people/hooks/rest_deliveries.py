"""What an organisation's hooks were told: listed, shown, tried, sent again."""

from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import Struct

from inventory.faults import Faults
from persistence.people.hooks.deliveries import (
    Attempt,
    Delivery,
    DeliveryState,
)
from server.people.hooks.problems import DELIVERY_NOT_FOUND, HOOK_NOT_FOUND, HOOK_OFF
from server.people.hooks.rest import TAG
from server.people.hooks.service import HOOK_SERVICE
from server.people.organisations.rows import (
    BODY,
    EMPTY,
    ONE,
    ORGANISATION,
    listing,
    post,
    read,
    require_membership,
)
from server.transport.rest.bodies import Body, convert
from server.transport.rest.call import Call
from server.transport.rest.notes import note_details, note_objects
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import Query, Route
from server.transport.rest.times import Time

STATE: Final = Query(
    "state",
    {"type": "string", "enum": ["due", "sent", "dead"]},
    "Only those of this state.",
)
OF_HOOK: Final = Query("hook", {"type": "string"}, "Only those to this hook.")


class HookReplay(Body):
    """From when to when was said what is to be said again; `until` is now."""

    since: Time
    until: Time | None = None

    def check(self, faults: Faults) -> None:
        """Add a time that ends before it begins."""
        if faults.is_faulty("since") or self.until is None:
            return
        if self.until <= self.since:
            faults.add("until", "Not after since.")


class HookReplayed(Struct):
    """How many messages are sent again; at most 10,000 by one call, the oldest."""

    replayed: int


class DeliveryAttempt(Struct):
    """One time that a message was sent: `status` is what was answered, if anything."""

    at: datetime
    status: int | None
    error: str | None
    took_ms: int


class DeliveryDocument(Struct, kw_only=True):
    """A message to a hook: `id` is its `webhook-id`, `body` what is sent.

    One that is `due` is sent at `due_at`, or as soon as its hook can be told anything.
    `attempts` counts since it was raised or replayed. `dead` are those that were given
    up: only a replay sends them.
    """

    id: str
    organisation: str
    hook: str
    type: str
    subject: str
    state: DeliveryState
    body: dict[str, Any]
    created_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    attempts: int
    status: int | None
    error: str | None


class ShownDelivery(DeliveryDocument, kw_only=True):
    """A message to a hook, and each time that it was sent, the first one first."""

    log: list[DeliveryAttempt]


async def test_hook(call: Call) -> web.Response:
    """Send a hook a message, whatever it wants to be told."""
    key, membership = call.key, await require_membership(call, "leader")
    name = call.path("hook", HOOK_NOT_FOUND)
    made = await call[HOOK_SERVICE].test(membership, name, key)
    return call.answer(DeliveryDocument(**_fields_of(made)), status=202)


async def replay_hook(call: Call) -> web.Response:
    """Send again what a hook was told in a time."""
    key, membership = call.key, await require_membership(call, "leader")
    name, body = call.path("hook", HOOK_NOT_FOUND), await call.body(HookReplay)
    replayed = await call[HOOK_SERVICE].replay_between(
        membership, name, body.since, body.until, key
    )
    note_details(call.request, messages=replayed)
    return call.answer(HookReplayed(replayed), status=202)


async def list_deliveries(call: Call) -> web.Response:
    """List what an organisation's hooks were told, the newest first."""
    membership, query = await require_membership(call, "leader"), call.request.query
    store, hook, state = call[HOOK_SERVICE].deliveries, query.get("hook"), _state(call)
    rows, cursor = await store.list_of(
        membership.id,
        hook=hook,
        state=state,
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    total = await total_of(query, partial(store.count_of, membership.id, hook, state))
    items = [DeliveryDocument(**_fields_of(row)) for row in rows]
    return call.read(Page(items, cursor, total))


async def show_delivery(call: Call) -> web.Response:
    """Show a message to a hook, and each time that it was sent."""
    membership = await require_membership(call, "leader")
    name = call.path("delivery", DELIVERY_NOT_FOUND)
    found, attempts = await call[HOOK_SERVICE].find_delivery(membership, name)
    log = [_attempt_of(one) for one in attempts]
    return call.read(ShownDelivery(log=log, **_fields_of(found)))


async def replay_delivery(call: Call) -> web.Response:
    """Send a message again, with its id and as it was."""
    key, membership = call.key, await require_membership(call, "leader")
    name = call.path("delivery", DELIVERY_NOT_FOUND)
    found = await call[HOOK_SERVICE].replay(membership, name, key)
    note_objects(call.request, hook=found.hook_id)
    return call.answer(DeliveryDocument(**_fields_of(found)), status=202)


def _state(call: Call) -> DeliveryState | None:
    state = call.request.query.get("state")
    if state is None:
        return None
    return convert({"state": state}, dict[str, DeliveryState])["state"]


def _attempt_of(one: Attempt) -> DeliveryAttempt:
    return DeliveryAttempt(one.at, one.status, one.error, one.took_ms)


def _fields_of(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.delivery_id,
        "organisation": row.organisation_id,
        "hook": row.hook_id,
        "type": row.type,
        "subject": row.subject,
        "state": row.state,
        "body": msgspec.json.decode(row.body),
        "created_at": row.created_at,
        "due_at": row.due_at if row.state == "due" else None,
        "ended_at": row.ended_at,
        "attempts": row.attempts,
        "status": row.status,
        "error": row.error,
    }


ROUTES: Final[tuple[Route, ...]] = (
    post(
        path=f"{ONE}/hooks/{{hook}}/test",
        handler=test_hook,
        name="test_hook",
        summary="Send a hook a message, whatever it wants to be told",
        tag=TAG,
        access="leader",
        answers=DeliveryDocument,
        status=202,
        problems=(*EMPTY, HOOK_NOT_FOUND, HOOK_OFF),
    ),
    post(
        path=f"{ONE}/hooks/{{hook}}/replay",
        handler=replay_hook,
        name="replay_hook",
        summary="Send again what a hook was told in a time",
        tag=TAG,
        access="leader",
        body=HookReplay,
        answers=HookReplayed,
        status=202,
        problems=(*BODY, HOOK_NOT_FOUND),
    ),
    listing(
        DeliveryDocument,
        path=f"{ONE}/deliveries",
        handler=list_deliveries,
        name="list_deliveries",
        summary="List what an organisation's hooks were told, the newest first",
        tag=TAG,
        access="leader",
        query=(OF_HOOK, STATE),
    ),
    read(
        path=f"{ONE}/deliveries/{{delivery}}",
        handler=show_delivery,
        name="show_delivery",
        summary="Show a message to a hook, and each time that it was sent",
        tag=TAG,
        access="leader",
        answers=ShownDelivery,
        problems=(*ORGANISATION, DELIVERY_NOT_FOUND),
    ),
    post(
        path=f"{ONE}/deliveries/{{delivery}}/replay",
        handler=replay_delivery,
        name="replay_delivery",
        summary="Send a message to a hook again, as it was",
        tag=TAG,
        access="leader",
        answers=DeliveryDocument,
        status=202,
        problems=(*EMPTY, DELIVERY_NOT_FOUND),
    ),
)
