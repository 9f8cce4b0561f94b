"""Requests to join an organisation: made, accepted, declined, taken back."""

from datetime import datetime
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from persistence.people.invitations import AnswerState, InvitedRole
from persistence.people.join_requests import JoinRequest, RequestNotFound
from persistence.people.organisations import (
    AlreadyMember,
    MemberNotFound,
    OrganisationNotFound,
    TooMany,
)
from server.people.organisations.membership import find_standing, stand
from server.people.organisations.rest_invitations import read_state
from server.transport.http.problems import ProblemError
from server.transport.rest.call import Call
from server.transport.rest.idempotency import new_id
from server.transport.rest.paging import Page, read_limit


class JoinRequestCreate(Struct, forbid_unknown_fields=True):
    """What one would like to say to the leaders."""

    message: Annotated[str, Meta(max_length=1_000)] = ""


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
    """Ask to join; while that is open, asking again gives the same request."""
    user, key = call.who.user, call.key
    name, office = call.path("organisation"), call.context.office
    body = await call.body(JoinRequestCreate)
    new = new_id("req", f"{name} {user}", key)
    try:
        made = await office.requests.create(new, name, user, body.message)
    except OrganisationNotFound as error:
        raise ProblemError("organisation_not_found") from error
    except AlreadyMember as error:
        raise ProblemError("already_member") from error
    except TooMany as error:
        raise ProblemError("limit_reached", "Too many are not answered yet.") from error
    headers = {"Location": f"/v1/organisations/{name}/join-requests/{made.request_id}"}
    return call.answer(_document_of(made), status=201, headers=headers)


async def list_join_requests(call: Call) -> web.Response:
    """List who asked to join, the newest first."""
    standing, query = await stand(call, "leader"), call.request.query
    rows, cursor = await call.context.office.requests.list_of(
        standing.id,
        state=read_state(call),
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    return call.read(Page([_document_of(row) for row in rows], cursor))


async def list_my_join_requests(call: Call) -> web.Response:
    """List what the caller asked to join, the newest first."""
    query = call.request.query
    rows, cursor = await call.context.office.requests.list_of_user(
        call.who.user, limit=read_limit(query), cursor=query.get("cursor")
    )
    return call.read(Page([_document_of(row) for row in rows], cursor))


async def show_join_request(call: Call) -> web.Response:
    """Show a request to whoever made it, and to leaders."""
    standing = await find_standing(call)
    found = await _find(call, standing.id)
    seen = standing.leads or found.user_id == call.who.user
    # To anybody else it looks like none at all; of a withdrawn one only lists tell.
    if not seen or found.state == "withdrawn":
        raise ProblemError("request_not_found")
    return call.read(_document_of(found))


async def accept_join_request(call: Call) -> web.Response:
    """Make whoever asked a member, and let them know."""
    standing, office = await stand(call, "leader"), call.context.office
    body = await call.body(JoinRequestAnswer)
    try:
        await office.requests.accept(
            standing.id,
            call.path("request"),
            body.role,
            call.who.user,
            office.letters.accepted,
        )
    except (RequestNotFound, MemberNotFound) as error:
        raise ProblemError("request_not_found") from error
    except OrganisationNotFound as error:
        raise ProblemError("organisation_not_found") from error
    except TooMany as error:
        detail = "The organisation has as many members as may be."
        raise ProblemError("limit_reached", detail) from error
    await office.changed(standing.id)
    return call.answer(_document_of(await _find(call, standing.id)))


async def decline_join_request(call: Call) -> web.Response:
    """Refuse a request, and let whoever made it know."""
    standing, office = await stand(call, "leader"), call.context.office
    try:
        await office.requests.decline(
            standing.id, call.path("request"), call.who.user, office.letters.declined
        )
    except RequestNotFound as error:
        raise ProblemError("request_not_found") from error
    return call.answer(_document_of(await _find(call, standing.id)))


async def withdraw_join_request(call: Call) -> web.Response:
    """Take the caller's own request back."""
    name = call.path("organisation")
    try:
        await call.context.office.requests.withdraw(
            name, call.path("request"), call.who.user
        )
    except RequestNotFound as error:
        raise ProblemError("request_not_found") from error
    return call.done()


async def _find(call: Call, organisation: str) -> JoinRequest:
    name = call.path("request")
    found = await call.context.office.requests.find(organisation, name)
    if found is None:
        raise ProblemError("request_not_found")
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
