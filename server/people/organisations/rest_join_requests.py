"""Requests to join an organisation: made, accepted, declined, taken back."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from inventory.names import NOTE_PATTERN
from persistence.people.invitations import AnswerState, InvitedRole
from persistence.people.join_requests import JoinRequest
from server.people.organisations.joining.service import JOINING_SERVICE
from server.people.organisations.problems import (
    ALREADY_MEMBER,
    ORGANISATION_NOT_FOUND,
    REQUEST_NOT_FOUND,
)
from server.people.organisations.rows import (
    BODY,
    EMPTY,
    ONE,
    ORGANISATION,
    STATE,
    delete,
    find_membership,
    listing,
    post,
    read,
    read_state,
    require_membership,
)
from server.transport.http.problems import BAD_FIELD, LIMIT_REACHED, UNAVAILABLE
from server.transport.rest.call import Call
from server.transport.rest.guard import meter_of
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import Route


class JoinRequestCreate(Struct, forbid_unknown_fields=True):
    """What one would like to say to the leaders."""

    message: Annotated[str, Meta(max_length=1_000, pattern=NOTE_PATTERN)] = ""


class JoinRequestAnswer(Struct, forbid_unknown_fields=True):
    """What whoever asked is to be."""

    role: InvitedRole = "staff"


class JoinRequestDocument(Struct):
    """Somebody would like to belong to an organisation."""

    id: str
    organisation: str
    user: str
    name: str
    message: str
    state: AnswerState
    created_at: datetime
    answered_at: datetime | None


async def create_join_request(call: Call) -> web.Response:
    """Ask to join; while that is open, asking again finds the same request."""
    who, key, name = (
        call.who,
        call.key,
        call.path("organisation", ORGANISATION_NOT_FOUND),
    )
    body = await call.body(JoinRequestCreate)
    made, is_new = await call[JOINING_SERVICE].ask_to_join(who, name, body.message, key)
    headers = {"Location": f"/v1/organisations/{name}/join-requests/{made.request_id}"}
    status = 201 if is_new else 200
    return call.answer(_document_of(made), status=status, headers=headers)


async def list_join_requests(call: Call) -> web.Response:
    """List who asked to join, the newest first."""
    membership, query = await require_membership(call, "leader"), call.request.query
    requests, asked = call[JOINING_SERVICE].requests, {"state": read_state(call)}
    rows, cursor = await requests.list_of(
        membership.id, **asked, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(requests.count_of, membership.id, **asked))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


async def list_my_join_requests(call: Call) -> web.Response:
    """List what the caller asked to join, the newest first."""
    query, user = call.request.query, call.who.user
    requests = call[JOINING_SERVICE].requests
    rows, cursor = await requests.list_of_user(
        user, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(requests.count_of_user, user))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


async def show_join_request(call: Call) -> web.Response:
    """Show a request to whoever made it, and to leaders."""
    membership, name = await find_membership(call), _request_of(call)
    found = await call[JOINING_SERVICE].find_request(membership, name)
    return call.read(_document_of(found))


async def accept_join_request(call: Call) -> web.Response:
    """Make whoever asked a member, and let them know."""
    membership = await require_membership(call, "leader")
    body, service = await call.body(JoinRequestAnswer), call[JOINING_SERVICE]
    answered = await service.accept_request(
        membership, _request_of(call), body.role, meter_of(call)
    )
    return call.answer(_document_of(answered))


async def decline_join_request(call: Call) -> web.Response:
    """Refuse a request, and let whoever made it know."""
    membership = await require_membership(call, "leader")
    answered = await call[JOINING_SERVICE].decline_request(
        membership, _request_of(call), meter_of(call)
    )
    return call.answer(_document_of(answered))


async def withdraw_join_request(call: Call) -> web.Response:
    """Take the caller's own request back."""
    name = call.path("organisation", ORGANISATION_NOT_FOUND)
    await call[JOINING_SERVICE].withdraw_request(
        call.who, name, _request_of(call), call.seen
    )
    return call.done()


def _request_of(call: Call) -> str:
    return call.path("request", REQUEST_NOT_FOUND)


def _document_of(row: JoinRequest) -> JoinRequestDocument:
    return JoinRequestDocument(
        id=row.request_id,
        organisation=row.organisation_id,
        user=row.user_id,
        name=row.name,
        message=row.message,
        state=row.state,
        created_at=row.created_at,
        answered_at=row.answered_at,
    )


ROUTES: Final[tuple[Route, ...]] = (
    post(
        path=f"{ONE}/join-requests",
        handler=create_join_request,
        name="create_join_request",
        summary="Ask to join; while that is open there is one request only",
        access="customer",
        body=JoinRequestCreate,
        answers=JoinRequestDocument,
        status=201,
        done_status=200,
        problems=(*BODY, ALREADY_MEMBER, LIMIT_REACHED),
    ),
    listing(
        JoinRequestDocument,
        path=f"{ONE}/join-requests",
        handler=list_join_requests,
        name="list_join_requests",
        summary="List who asked to join, the newest first",
        access="leader",
        query=(STATE,),
    ),
    read(
        path=f"{ONE}/join-requests/{{request}}",
        handler=show_join_request,
        name="show_join_request",
        who=(
            "Needs the token of who asked, or of an owner or leader of the "
            "organisation."
        ),
        summary="Show a request to whoever made it, and to leaders",
        access="customer",
        answers=JoinRequestDocument,
        problems=(*ORGANISATION, REQUEST_NOT_FOUND),
    ),
    delete(
        path=f"{ONE}/join-requests/{{request}}",
        handler=withdraw_join_request,
        name="withdraw_join_request",
        who="Needs the token of who asked.",
        summary="Take the caller's own request back; only lists tell of it then",
        access="customer",
        problems=(*EMPTY, REQUEST_NOT_FOUND),
    ),
    post(
        path=f"{ONE}/join-requests/{{request}}/accept",
        handler=accept_join_request,
        name="accept_join_request",
        summary="Make whoever asked a member, and let them know",
        access="leader",
        body=JoinRequestAnswer,
        answers=JoinRequestDocument,
        problems=(*BODY, REQUEST_NOT_FOUND, LIMIT_REACHED),
    ),
    post(
        path=f"{ONE}/join-requests/{{request}}/decline",
        handler=decline_join_request,
        name="decline_join_request",
        summary="Refuse a request, and let whoever made it know",
        access="leader",
        answers=JoinRequestDocument,
        problems=(*EMPTY, REQUEST_NOT_FOUND),
    ),
    listing(
        JoinRequestDocument,
        path="/v1/me/join-requests",
        handler=list_my_join_requests,
        name="list_my_join_requests",
        summary="List what the caller asked to join",
        access="customer",
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
)
