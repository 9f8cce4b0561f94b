"""Who belongs to an organisation: listed, promoted, removed, or leaving."""

from datetime import datetime
from functools import partial
from typing import Final, Literal

from aiohttp import web
from msgspec import Struct

from persistence.people.organisations import Member, MemberRole
from server.base.identity import Machine
from server.people.organisations.membership import Membership
from server.people.organisations.problems import LAST_OWNER, MEMBER_NOT_FOUND
from server.people.organisations.rows import (
    BODY,
    EMPTY,
    ONE,
    delete,
    listing,
    require_membership,
    write,
)
from server.people.organisations.service import ORGANISATION_SERVICE
from server.transport.rest.call import Call
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import choice_of
from server.transport.rest.route import Query, Route

ME = "me"


Keys = Literal["revoke", "keep"]
"""What becomes of keys that only the member was shown."""


class MemberPatch(Struct, forbid_unknown_fields=True):
    """What a member is to be; `keys` is what becomes of those of whom may have none."""

    role: MemberRole
    keys: Keys = "revoke"


class MemberDocument(Struct):
    """A member; `email` is null but for leaders, machines and oneself."""

    user: str
    name: str
    email: str | None
    role: MemberRole
    joined_at: datetime


async def list_members(call: Call) -> web.Response:
    """List who belongs to an organisation, who joined first first."""
    membership, query = await require_membership(call, "member"), call.request.query
    organisations = call[ORGANISATION_SERVICE].organisations
    rows, cursor = await organisations.list_members(
        membership.id, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(organisations.count_members, membership.id))
    shown = [_document_of(call, membership, row) for row in rows]
    return call.read(Page(shown, cursor, total))


async def edit_member(call: Call) -> web.Response:
    """Give a member another role, neither of them above the caller's own."""
    membership, user = await require_membership(call, "leader"), _member_of(call)
    body = await call.body(MemberPatch)
    found = await call[ORGANISATION_SERVICE].set_role(
        membership, user, body.role, call.seen, keep_keys=body.keys == "keep"
    )
    document = _document_of(call, membership, found)
    return call.answer(document, revision=found.revision)


async def remove_member(call: Call) -> web.Response:
    """End a membership: one's own, or that of somebody not above oneself.

    The keys that only the member was shown end with it: a secret cannot be taken back.
    Who removes another may keep them, until they are rotated.
    """
    membership, user = await require_membership(call, "member"), _member_of(call)
    keeps = choice_of(call.request.query, "keys", ("revoke", "keep")) == "keep"
    await call[ORGANISATION_SERVICE].remove(
        membership, user, call.seen, keep_keys=keeps
    )
    return call.done()


def _member_of(call: Call) -> str:
    user = call.path("member", MEMBER_NOT_FOUND)
    return call.who.user if user == ME else user


def _document_of(call: Call, membership: Membership, row: Member) -> MemberDocument:
    who = call.who
    shown = membership.leads or isinstance(who, Machine) or row.user_id == who.user
    email = row.email if shown else None
    return MemberDocument(row.user_id, row.name, email, row.role, row.joined_at)


KEYS: Final = Query(
    "keys",
    {"type": "string", "enum": ["revoke", "keep"], "default": "revoke"},
    "What becomes of the API keys that only the member was shown, having made or last "
    "rotated them. Who leaves cannot keep them; those that another rotated stay.",
)

ROUTES: Final[tuple[Route, ...]] = (
    listing(
        MemberDocument,
        path=f"{ONE}/members",
        handler=list_members,
        name="list_members",
        summary="List who belongs to an organisation",
        access="member",
        scope="members:read",
    ),
    write(
        method="PATCH",
        path=f"{ONE}/members/{{member}}",
        handler=edit_member,
        name="edit_member",
        summary="Give a member another role, neither above the caller's own",
        access="leader",
        body=MemberPatch,
        answers=MemberDocument,
        problems=(*BODY, MEMBER_NOT_FOUND, LAST_OWNER),
    ),
    delete(
        path=f"{ONE}/members/{{member}}",
        handler=remove_member,
        name="remove_member",
        who=(
            "Needs the token of the member, or of an owner or leader of the "
            "organisation."
        ),
        summary="Remove a member, or leave (`me`)",
        access="member",
        query=(KEYS,),
        problems=(*EMPTY, MEMBER_NOT_FOUND, LAST_OWNER),
    ),
)
