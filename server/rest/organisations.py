"""Organisations: made, listed, shown, edited, given away, ended."""

from datetime import datetime
from typing import Annotated, Final

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from persistence.event_rows import EventFilter
from persistence.organisations import (
    InUse,
    MemberNotFound,
    MemberRole,
    NotAllowed,
    Organisation,
    TooMany,
)
from server.organisations.machines import Machine
from server.rest.call import Call
from server.rest.creation import hash_request, new_id
from server.rest.event_bodies import Id, Name
from server.rest.events import summary_of
from server.rest.filters import text_of
from server.rest.paging import Page, read_limit
from server.rest.problems import ProblemError
from server.rest.standing import find_standing, stand

QUERY_LENGTH_MAX: Final = 200
Description = Annotated[str, Meta(max_length=2_000)]


class OrganisationCreate(Struct, forbid_unknown_fields=True):
    """A new organisation, owned by whoever makes it."""

    name: Name
    description: Description = ""


class OrganisationPatch(Struct, forbid_unknown_fields=True):
    """What to change; what is absent stays."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET


class Transfer(Struct, forbid_unknown_fields=True):
    """The member who is to own the organisation."""

    user: Id


class OrganisationDocument(Struct):
    """An organisation; `role` is what the caller is in it, null for a stranger."""

    id: str
    name: str
    description: str
    created_at: datetime
    role: MemberRole | None


async def create_organisation(call: Call) -> web.Response:
    """Make an organisation."""
    user, key = call.who.user, call.key
    body = await call.body(OrganisationCreate)
    request_hash = hash_request(body)
    try:
        made = await call.context.office.organisations.create(
            new_id("org", user, key),
            body.name,
            body.description,
            created_by=user,
            request_hash=request_hash,
        )
    except TooMany as error:
        raise ProblemError("limit_reached", "You own as many as you may.") from error
    except MemberNotFound as error:
        raise ProblemError("unauthenticated") from error
    if made.request_hash != request_hash:
        raise ProblemError("key_reused")
    headers = {"Location": f"/v1/organisations/{made.organisation_id}"}
    return call.answer(document_of(made, made.role), status=201, headers=headers)


async def list_organisations(call: Call) -> web.Response:
    """List the organisations that the caller belongs to; all, for administrators."""
    query, who = call.request.query, call.who
    rows, cursor = await call.context.office.organisations.list_of(
        who.user,
        every=who.role == "admin",
        text=text_of(query, "q", QUERY_LENGTH_MAX),
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    return call.read(Page([document_of(row, row.role) for row in rows], cursor))


async def show_organisation(call: Call) -> web.Response:
    """Show an organisation to anybody with an account, so that one can ask to join."""
    if isinstance(call.who, Machine):
        await stand(call, "member")
    found = (await find_standing(call)).organisation
    return call.read(document_of(found, found.role))


async def edit_organisation(call: Call) -> web.Response:
    """Change what an organisation says of itself."""
    standing = await stand(call, "leader")
    body = await call.body(OrganisationPatch)
    await call.context.office.organisations.edit(
        standing.id,
        body.name if isinstance(body.name, str) else None,
        body.description if isinstance(body.description, str) else None,
    )
    found = (await find_standing(call)).organisation
    return call.answer(document_of(found, found.role))


async def delete_organisation(call: Call) -> web.Response:
    """End an organisation that has no event and no ticket left to care for."""
    standing, office = await stand(call, "owner"), call.context.office
    try:
        await office.organisations.delete(standing.id)
    except InUse as error:
        raise ProblemError("organisation_in_use") from error
    await office.changed(standing.id)
    return call.done()


async def transfer_organisation(call: Call) -> web.Response:
    """Make another member the owner in the caller's place, who leads from then on."""
    standing, office, who = await stand(call, "owner"), call.context.office, call.who
    body = await call.body(Transfer)
    # An administrator who is no owner gives nothing away of his own.
    owner = who.user if standing.organisation.role == "owner" else None
    try:
        await office.organisations.transfer(standing.id, owner, body.user)
    except MemberNotFound as error:
        raise ProblemError("member_not_found") from error
    except NotAllowed as error:
        raise ProblemError("forbidden") from error
    await office.changed(standing.id)
    found = (await find_standing(call)).organisation
    return call.answer(document_of(found, found.role))


async def list_organisation_events(call: Call) -> web.Response:
    """List an organisation's events, drafts included, in order of their beginning."""
    standing, query = await stand(call, "member"), call.request.query
    rows, cursor = await call.context.catalog.list_events(
        EventFilter(drafts=True, organisation=standing.id),
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    return call.read(Page([summary_of(row, row.settings) for row in rows], cursor))


def document_of(row: Organisation, role: MemberRole | None) -> OrganisationDocument:
    """Return an organisation as clients see it."""
    return OrganisationDocument(
        row.organisation_id, row.name, row.description, row.created_at, role
    )
