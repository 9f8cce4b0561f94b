"""Requests to join an organisation: made, accepted, declined, taken back."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from inventory.names import NOTE_PATTERN
from persistence.errors import TooMany, refuse_stale
from persistence.people.invitations import AnswerState, InvitedRole
from persistence.people.join_requests import JoinRequest, RequestNotFound
from persistence.people.organisations import (
    AlreadyMember,
    MemberNotFound,
    OrganisationNotFound,
)
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
from server.people.organisations.service import ORGANISATION_SERVICE
from server.transport.http.problems import (
    BAD_FIELD,
    LIMIT_REACHED,
    UNAVAILABLE,
    ProblemError,
)
from server.transport.rest.call import Call
from server.transport.rest.idempotency import new_id
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
    user, key = call.who.user, call.key
    name, service = (
        call.path("organisation", ORGANISATION_NOT_FOUND),
        call[ORGANISATION_SERVICE],
    )
    body = await call.body(JoinRequestCreate)
    new = new_id("req", f"{name} {user}", key)
    try:
        made = await service.requests.create(new, name, user, body.message)
    except OrganisationNotFound as error:
        raise ProblemError(ORGANISATION_NOT_FOUND) from error
    except AlreadyMember as error:
        raise ProblemError(ALREADY_MEMBER) from error
    except TooMany as error:
        raise ProblemError(
            LIMIT_REACHED, "Too many are not answered yet.", limit=error.limit
        ) from error
    headers = {"Location": f"/v1/organisations/{name}/join-requests/{made.request_id}"}
    status = 201 if made.request_id == new else 200
    return call.answer(_document_of(made), status=status, headers=headers)


async def list_join_requests(call: Call) -> web.Response:
    """List who asked to join, the newest first."""
    membership, query = await require_membership(call, "leader"), call.request.query
    requests, asked = call[ORGANISATION_SERVICE].requests, {"state": read_state(call)}
    rows, cursor = await requests.list_of(
        membership.id, **asked, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(requests.count_of, membership.id, **asked))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


async def list_my_join_requests(call: Call) -> web.Response:
    """List what the caller asked to join, the newest first."""
    query, user = call.request.query, call.who.user
    requests = call[ORGANISATION_SERVICE].requests
    rows, cursor = await requests.list_of_user(
        user, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(requests.count_of_user, user))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


async def show_join_request(call: Call) -> web.Response:
    """Show a request to whoever made it, and to leaders."""
    membership = await find_membership(call)
    found = await _find(call, membership.id)
    seen = membership.leads or found.user_id == call.who.user
    # To anybody else it looks like none at all; of a withdrawn one only lists tell.
    if not seen or found.state == "withdrawn":
        raise ProblemError(REQUEST_NOT_FOUND)
    return call.read(_document_of(found))


async def accept_join_request(call: Call) -> web.Response:
    """Make whoever asked a member, and let them know."""
    membership, service = (
        await require_membership(call, "leader"),
        call[ORGANISATION_SERVICE],
    )
    body = await call.body(JoinRequestAnswer)
    try:
        await service.requests.accept(
            membership.id,
            call.path("request", REQUEST_NOT_FOUND),
            body.role,
            call.who.user,
            service.mails.accepted,
        )
    except (RequestNotFound, MemberNotFound) as error:
        raise ProblemError(REQUEST_NOT_FOUND) from error
    except OrganisationNotFound as error:
        raise ProblemError(ORGANISATION_NOT_FOUND) from error
    except TooMany as error:
        detail = "The organisation has as many members as may be."
        raise ProblemError(LIMIT_REACHED, detail, limit=error.limit) from error
    await service.changed(membership.id)
    return call.answer(_document_of(await _find(call, membership.id)))


async def decline_join_request(call: Call) -> web.Response:
    """Refuse a request, and let whoever made it know."""
    membership, service = (
        await require_membership(call, "leader"),
        call[ORGANISATION_SERVICE],
    )
    try:
        await service.requests.decline(
            membership.id,
            call.path("request", REQUEST_NOT_FOUND),
            call.who.user,
            service.mails.declined,
        )
    except RequestNotFound as error:
        raise ProblemError(REQUEST_NOT_FOUND) from error
    return call.answer(_document_of(await _find(call, membership.id)))


async def withdraw_join_request(call: Call) -> web.Response:
    """Take the caller's own request back."""
    name = call.path("organisation", ORGANISATION_NOT_FOUND)
    # Nothing of it can be edited.
    refuse_stale(0, call.seen)
    try:
        await call[ORGANISATION_SERVICE].requests.withdraw(
            name, call.path("request", REQUEST_NOT_FOUND), call.who.user
        )
    except RequestNotFound as error:
        raise ProblemError(REQUEST_NOT_FOUND) from error
    return call.done()


async def _find(call: Call, organisation: str) -> JoinRequest:
    name = call.path("request", REQUEST_NOT_FOUND)
    found = await call[ORGANISATION_SERVICE].requests.find(organisation, name)
    if found is None:
        raise ProblemError(REQUEST_NOT_FOUND)
    return found


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
