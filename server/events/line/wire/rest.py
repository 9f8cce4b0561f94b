"""The line over REST, for those who wait: everything that sockets can, by asking.

Each of these done again is the same thing, so a key is checked and makes no difference.
"""

from functools import partial
from typing import Final

from aiohttp import web
from msgspec import UNSET

from persistence.errors import refuse_stale
from persistence.events.line.entries import Entry
from server.events.catalogue.service import FoundEvent
from server.events.line.odds.forecasts import FORECASTS
from server.events.line.service import LINE_DESK, Asked, wish_of
from server.events.line.service_control import LINE_CONTROL
from server.events.line.waiters.waiters import WAITERS
from server.events.line.wire.bodies import (
    CaptchaDocument,
    ChallengeDocument,
    JoinBody,
    PlaceBody,
    PlaceDocument,
    PlacePatch,
    place_document,
)
from server.events.line.wire.outlook import outlook_of
from server.events.line.wire.problems import (
    ALREADY_WAITING,
    BAD_WISH,
    LINE_NOT_OPEN,
    LINE_OVER,
    PLACE_NOT_FOUND,
    PROOF_NEEDED,
    TURN_OVER,
)
from server.live.actors.origins import ORIGINS
from server.people.auth.rest import GuestToken, TokenUser
from server.people.auth.service import SIGN_IN_SERVICE
from server.transport.http.problems import (
    BAD_FIELD,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    PRECONDITION_FAILED,
    SALE_NOT_OPEN,
    SALE_PAUSED,
)
from server.transport.rest.call import Call
from server.transport.rest.guard import GUEST_BOOK, meter_of
from server.transport.rest.notes import note_actor
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import bool_of
from server.transport.rest.route import EVENT, PAGING, WRITES, Query, Route

TAG: Final = "Line"
LINE: Final = "/v1/events/{event}/line"
MINE: Final = f"{LINE}/entries/me"
POLLS_LATE: Final = 1.5


async def join_line(call: Call) -> web.Response:
    """Join the line of an event, or be told the place that one has."""
    _, event = call.key, call.path("event", EVENT_NOT_FOUND)
    body = await call.body(JoinBody)
    asked = Asked(
        None if body.wish is None else body.wish.wish(),
        body.locale,
        body.device,
        _net_of(call),
        body.proof,
        body.captcha,
    )
    desk = call[LINE_DESK]
    joined = await desk.join(call.who, event, asked)
    book = call.find(GUEST_BOOK)
    if book is not None and call.who.role == "guest":
        # Whoever waits has something to come back for.
        book.note(call.who.user)
    found, entry = await desk.mine(call.who, event)
    document = await _document(call, found, entry)
    if not joined.new:
        return call.answer(document, revision=entry.revision)
    return call.answer(document, status=201, revision=entry.revision)


def _net_of(call: Call) -> str | None:
    origins = call.find(ORIGINS)
    return None if origins is None else origins.of(call.client)


async def show_challenge(call: Call) -> web.Response:
    """Show what the caller has to solve before joining."""
    event = call.path("event", EVENT_NOT_FOUND)
    desk = call[LINE_DESK]
    challenge, needs = await desk.challenge(call.who, event, _net_of(call))
    captcha = desk.gates.captcha if needs.captcha else None
    return call.read(
        ChallengeDocument(
            challenge.algorithm,
            challenge.challenge,
            challenge.salt,
            challenge.signature,
            challenge.maxnumber,
            needs.bits > 0,
            None if captcha is None else CaptchaDocument(captcha.site_key),
        )
    )


async def show_place(call: Call) -> web.Response:
    """Show the caller's place, or the last that is over."""
    event = call.path("event", EVENT_NOT_FOUND)
    found, entry = await call[LINE_DESK].mine(call.who, event)
    document = await _document(call, found, entry)
    if entry.rank is not None and entry.over_at is None:
        # Who asks is here, until some time after they should have asked again.
        within_s = POLLS_LATE * document.poll_after_ms / 1_000
        call[WAITERS].polled(event, entry.draw, entry.rank, within_s)
    return call.read(document, revision=entry.revision)


async def change_place(call: Call) -> web.Response:
    """Set the wish of the caller's place, pause it, or wait again."""
    _, event = call.key, call.path("event", EVENT_NOT_FOUND)
    body, desk = await call.body(PlacePatch), call[LINE_DESK]
    found, entry = await desk.mine(call.who, event)
    refuse_stale(entry.revision, call.seen)
    if body.wish is not UNSET:
        wish = None if body.wish is None else body.wish.wish()
        await desk.set_wish(call.who, event, wish, body.more_time)
    if body.paused is not UNSET:
        await desk.pause(call.who, event, "pause" if body.paused else "resume")
    found, entry = await desk.mine(call.who, event)
    return await _answer(call, found, entry)


async def leave_line(call: Call) -> web.Response:
    """Give up the caller's place, or a turn with what it holds."""
    _, event = call.key, call.path("event", EVENT_NOT_FOUND)
    desk = call[LINE_DESK]
    _, before = await desk.mine(call.who, event)
    refuse_stale(before.revision, call.seen)
    found, entry = await desk.leave(call.who, event)
    return await _answer(call, found, entry)


async def list_places(call: Call) -> web.Response:
    """List the caller's places in the lines of all events, the newest first."""
    query, user, entries = call.request.query, call.who.user, call[LINE_DESK].entries
    live = bool_of(query, "live") or False
    rows, cursor = await entries.list_of(
        user, limit=read_limit(query), cursor=query.get("cursor"), live=live
    )
    total = await total_of(query, partial(entries.count_of, user, live=live))
    items = [_listed(call, row) for row in rows]
    return call.read(Page(items, cursor, total))


async def open_place(call: Call) -> web.Response:
    """Be the guest again whose place this is, on another device."""
    body = await call.body(PlaceBody)
    user = await call[LINE_DESK].open_place(body.place)
    guest = call[SIGN_IN_SERVICE].become_again(user, meter_of(call))
    note_actor(call.request, guest.user, "guest")
    return call.answer(
        GuestToken(
            guest.access_token,
            "Bearer",
            guest.expires_in,
            TokenUser(guest.user, "guest"),
        ),
        status=201,
    )


async def _answer(call: Call, event: FoundEvent, entry: Entry) -> web.Response:
    document = await _document(call, event, entry)
    return call.answer(document, revision=entry.revision)


async def _document(call: Call, event: FoundEvent, entry: Entry) -> PlaceDocument:
    desk = call[LINE_DESK]
    phase = await call[LINE_CONTROL].phase_of(event)
    held = await desk.hold_of(call.who, event, entry)
    outlook = None
    if entry.over_at is None and entry.turn is None and phase != "gathering":
        outlook = outlook_of(
            call[WAITERS].state_of(event.id),
            call[FORECASTS].of(event.id),
            entry.rank,
            entry.ahead,
            wish_of(entry.wish),
        )
    return place_document(entry, desk.place_of(entry), phase, held, outlook)


def _listed(call: Call, entry: Entry) -> PlaceDocument:
    """Return a place in a list, which asks no event what it holds."""
    return place_document(entry, call[LINE_DESK].place_of(entry), None, None)


JOINS: Final = (
    *WRITES,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    LINE_NOT_OPEN,
    LINE_OVER,
    SALE_NOT_OPEN,
    SALE_PAUSED,
    TURN_OVER,
    ALREADY_WAITING,
    BAD_WISH,
    PROOF_NEEDED,
    OVERLOADED,
    OUTCOME_UNKNOWN,
)
CHANGES: Final = (
    *WRITES,
    EVENT_NOT_FOUND,
    PLACE_NOT_FOUND,
    TURN_OVER,
    BAD_WISH,
    PRECONDITION_FAILED,
    OVERLOADED,
    OUTCOME_UNKNOWN,
)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=f"{LINE}/entries",
        handler=join_line,
        name="join_line",
        keyed=True,
        summary="Join the line, or be told the place that one has",
        tag=TAG,
        access="buyer",
        body=JoinBody,
        answers=PlaceDocument,
        status=201,
        done_status=200,
        problems=JOINS,
    ),
    Route(
        method="GET",
        path=f"{LINE}/challenge",
        handler=show_challenge,
        name="show_challenge",
        summary="Show what the caller has to solve before joining the line",
        tag=TAG,
        access="buyer",
        answers=ChallengeDocument,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="GET",
        path=MINE,
        handler=show_place,
        name="show_place",
        summary="Show the caller's place",
        tag=TAG,
        access="buyer",
        answers=PlaceDocument,
        cached=True,
        problems=(*EVENT, PLACE_NOT_FOUND),
    ),
    Route(
        method="PATCH",
        path=MINE,
        handler=change_place,
        name="change_place",
        keyed=True,
        summary="Set the wish of the caller's place, pause it, or wait again",
        tag=TAG,
        access="buyer",
        body=PlacePatch,
        answers=PlaceDocument,
        problems=CHANGES,
    ),
    Route(
        method="DELETE",
        path=MINE,
        handler=leave_line,
        name="leave_line",
        keyed=True,
        summary="Give up the caller's place, or a turn with what it holds",
        tag=TAG,
        access="buyer",
        answers=PlaceDocument,
        problems=(
            *EVENT,
            PLACE_NOT_FOUND,
            TURN_OVER,
            PRECONDITION_FAILED,
            OVERLOADED,
            OUTCOME_UNKNOWN,
        ),
    ),
    Route(
        method="GET",
        path="/v1/line/entries",
        handler=list_places,
        name="list_places",
        summary="List the caller's places in the lines of all events",
        tag=TAG,
        access="buyer",
        answers=Page[PlaceDocument],
        cached=True,
        query=(
            *PAGING,
            Query(
                "live",
                {"type": "boolean", "default": False},
                "Whether only those that are not over.",
            ),
        ),
        problems=(BAD_FIELD,),
    ),
    Route(
        method="POST",
        path="/v1/auth/place",
        handler=open_place,
        name="open_place",
        summary="Be the guest again whose place in a line this is",
        tag=TAG,
        access="anonymous",
        body=PlaceBody,
        answers=GuestToken,
        status=201,
        problems=(*WRITES, PLACE_NOT_FOUND, FORBIDDEN),
    ),
)
