"""Organisations: made, listed, shown, edited, given away, ended."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.names import NOTE_PATTERN
from persistence.people.organisations import MemberRole, Organisation
from server.base.access import reach_of
from server.people.organisations.membership import Membership
from server.people.organisations.problems import MEMBER_NOT_FOUND, ORGANISATION_IN_USE
from server.people.organisations.rows import (
    BODY,
    EMPTY,
    ONE,
    ORGANISATION,
    delete,
    find_membership,
    listing,
    post,
    read,
    require_membership,
    write,
)
from server.people.organisations.service import (
    ORGANISATION_SERVICE,
    NewOrganisation,
    OrganisationEdit,
)
from server.transport.http.problems import (
    BAD_FIELD,
    KEY_REUSED,
    LIMIT_REACHED,
    UNAVAILABLE,
    ProblemError,
)
from server.transport.rest.call import Call
from server.transport.rest.fields import Id, Name, Zone, check_zone
from server.transport.rest.idempotency import hash_request
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import bool_of, text_of
from server.transport.rest.route import WRITES, Query, Route

QUERY_LENGTH_MAX: Final = 200
Description = Annotated[str, Meta(max_length=2_000, pattern=NOTE_PATTERN)]


class OrganisationCreate(Struct, forbid_unknown_fields=True):
    """A new organisation, owned by whoever makes it."""

    name: Name
    description: Description = ""
    timezone: Zone | UnsetType | None = UNSET
    """Of its events that name none, at venues without one."""
    listed: bool = True
    """Whether strangers find it by its name; its page is there for all either way."""


class OrganisationPatch(Struct, forbid_unknown_fields=True):
    """What to change; what is absent stays."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    timezone: Zone | UnsetType | None = UNSET
    """Of events that are made from then on."""
    listed: bool | UnsetType = UNSET


class Transfer(Struct, forbid_unknown_fields=True):
    """The member who is to own the organisation."""

    user: Id


class OrganisationDocument(Struct):
    """An organisation; `role` is what the caller is in it, null for a stranger."""

    id: str
    name: str
    description: str
    timezone: str | None
    created_at: datetime
    listed: bool
    role: MemberRole | None


async def create_organisation(call: Call) -> web.Response:
    """Make an organisation."""
    who, key = call.who, call.key
    body = await call.body(OrganisationCreate)
    check_zone("timezone", body.timezone)
    timezone = body.timezone if isinstance(body.timezone, str) else None
    new = NewOrganisation(body.name, body.description, timezone, body.listed)
    made = await call[ORGANISATION_SERVICE].create(who, new, key, hash_request(body))
    headers = {"Location": f"/v1/organisations/{made.organisation_id}"}
    return call.answer(document_of(made, made.role), status=201, headers=headers)


async def list_organisations(call: Call) -> web.Response:
    """List the caller's organisations; with a search, those that are listed, too."""
    query, who = call.request.query, call.identity
    organisations = call[ORGANISATION_SERVICE].organisations
    text, listed = text_of(query, "q", QUERY_LENGTH_MAX), bool_of(query, "listed")
    reach = reach_of(who, searches=text is not None or listed is True)
    user = "" if who is None else who.user
    rows, cursor = await organisations.list_of(
        user,
        reach=reach,
        listed=listed,
        text=text,
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    total = await total_of(
        query,
        partial(organisations.count_of, user, reach=reach, listed=listed, text=text),
    )
    return call.read(Page([document_of(row, row.role) for row in rows], cursor, total))


async def show_organisation(call: Call) -> web.Response:
    """Show an organisation to anybody, so that one can ask to join."""
    found = (await find_membership(call)).organisation
    return call.read(document_of(found, found.role), revision=found.revision)


async def edit_organisation(call: Call) -> web.Response:
    """Change what an organisation says of itself."""
    membership = await require_membership(call, "leader")
    body = await call.body(OrganisationPatch)
    check_zone("timezone", body.timezone)
    change = OrganisationEdit(
        body.name if isinstance(body.name, str) else None,
        body.description if isinstance(body.description, str) else None,
        body.listed if isinstance(body.listed, bool) else None,
        body.timezone,
    )
    await call[ORGANISATION_SERVICE].edit(membership, change, call.seen)
    return await _answer(call)


async def delete_organisation(call: Call) -> web.Response:
    """End an organisation that has no event and no ticket left to care for."""
    membership = await require_membership(call, "owner")
    await call[ORGANISATION_SERVICE].delete(membership, call.seen)
    return call.done()


async def transfer_organisation(call: Call) -> web.Response:
    """Make another member the owner in the caller's place, who leads from then on."""
    membership = await find_membership(call)
    if await _is_given_away(call, membership):
        return await _answer(call)
    membership.require("owner")
    body = await call.body(Transfer)
    await call[ORGANISATION_SERVICE].transfer(membership, body.user)
    return await _answer(call)


async def _is_given_away(call: Call, membership: Membership) -> bool:
    """Return whether a leader names who owns the organisation already."""
    if membership.role != "leader":
        return False
    try:
        body = await call.body(Transfer)
    except ProblemError:
        # What a leader may not ask for is refused as that, whatever it is.
        return False
    return await call[ORGANISATION_SERVICE].is_given_to(membership, body.user)


async def _answer(call: Call) -> web.Response:
    """Answer a write with the organisation as it is now."""
    found = (await find_membership(call)).organisation
    return call.answer(document_of(found, found.role), revision=found.revision)


def document_of(row: Organisation, role: MemberRole | None) -> OrganisationDocument:
    """Return an organisation as clients see it."""
    return OrganisationDocument(
        row.organisation_id,
        row.name,
        row.description,
        row.timezone,
        row.created_at,
        row.listed,
        role,
    )


NAMED: Final = Query(
    "q",
    {"type": "string", "minLength": 1, "maxLength": QUERY_LENGTH_MAX},
    "Only those with all these words, or parts of words, in the name: of the caller's "
    "and of all that are listed.",
)
LISTED: Final = Query(
    "listed",
    {"type": "boolean"},
    "With `true` all that are listed, whoever's; with `false` only those of the "
    "caller's that are not.",
)

ROUTES: Final[tuple[Route, ...]] = (
    post(
        path="/v1/organisations",
        handler=create_organisation,
        name="create_organisation",
        summary="Make an organisation, and own it",
        access="customer",
        body=OrganisationCreate,
        answers=OrganisationDocument,
        status=201,
        problems=(*WRITES, KEY_REUSED, LIMIT_REACHED),
    ),
    listing(
        OrganisationDocument,
        path="/v1/organisations",
        handler=list_organisations,
        name="list_organisations",
        who=(
            "Needs no token. Who has no account, and a machine, are told those that "
            "are listed; administrators all."
        ),
        summary="List the caller's organisations, or search all that are listed",
        access="anyone",
        scope="events:read",
        query=(NAMED, LISTED),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    read(
        path=ONE,
        handler=show_organisation,
        name="show_organisation",
        summary="Show an organisation, and what the caller is in it",
        access="anyone",
        scope="events:read",
        answers=OrganisationDocument,
        problems=ORGANISATION,
    ),
    write(
        method="PATCH",
        path=ONE,
        handler=edit_organisation,
        name="edit_organisation",
        summary="Change what an organisation says of itself",
        access="leader",
        body=OrganisationPatch,
        answers=OrganisationDocument,
        problems=BODY,
    ),
    delete(
        path=ONE,
        handler=delete_organisation,
        name="delete_organisation",
        summary="End an organisation whose events are over, without tickets",
        access="owner",
        problems=(*EMPTY, ORGANISATION_IN_USE),
    ),
    post(
        path=f"{ONE}/transfer",
        handler=transfer_organisation,
        name="transfer_organisation",
        summary="Make another member the owner, and lead from then on",
        access="owner",
        body=Transfer,
        answers=OrganisationDocument,
        problems=(*BODY, MEMBER_NOT_FOUND),
    ),
)
