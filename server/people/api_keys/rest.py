"""Keys for an organisation's machines: made, listed, rotated, revoked.

A key is shown when it is made and never again; the same request once more gets the same
answer without it. Whoever lost it rotates.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta, Struct

from inventory.faults import Faults
from inventory.zones import YEARS, is_kept
from persistence.errors import TooMany
from persistence.people.api_keys import ApiKey, KeyRevoked, NewKey, Scope
from persistence.people.organisations import OrganisationNotFound
from server.base.access import may_touch_key
from server.people.api_keys.api_keys import API_KEYS, make_key
from server.people.api_keys.problems import KEY_NOT_FOUND, KEY_REVOKED
from server.people.organisations.membership import Membership
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.people.organisations.rows import (
    BODY,
    EMPTY,
    MADE,
    ONE,
    ORGANISATION,
    delete,
    listing,
    post,
    read,
    require_membership,
)
from server.people.organisations.service import ORGANISATION_SERVICE
from server.transport.http.problems import (
    FORBIDDEN,
    KEY_REUSED,
    LIMIT_REACHED,
    ProblemError,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Name
from server.transport.rest.idempotency import hash_request, new_id
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import Route
from server.transport.rest.times import Time, to_ms

OVERLAP_S_MAX: Final = 7 * 86_400


class ApiKeyCreate(Body):
    """A new key: what it is called, and what it may do."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=20)]
    expires_at: Time | None = None

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the end, of which only now tells."""
        if self.expires_at is None:
            return
        if self.expires_at <= datetime.now(UTC):
            faults.add("expires_at", "Not in the future.")
        if not is_kept(to_ms(self.expires_at)):
            faults.add("expires_at", YEARS)


class ApiKeyRotate(Struct, forbid_unknown_fields=True):
    """How long the secret there was is good beside the new one."""

    overlap_s: Annotated[int, Meta(ge=0, le=OVERLAP_S_MAX)] = 0


class ApiKeyDocument(Struct, kw_only=True):
    """A key without its secret; `prefix` is how it begins.

    Of one with `owners_only` leaders cannot dispose, because an owner made it.
    """

    id: str
    organisation: str
    name: str
    prefix: str
    scopes: list[Scope]
    owners_only: bool
    created_by: str
    created_at: datetime
    rotated_at: datetime | None
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class FreshApiKeyDocument(ApiKeyDocument, kw_only=True):
    """A key that was just made; `key` is null where it was shown before."""

    key: str | None


async def create_api_key(call: Call) -> web.Response:
    """Make a key, and show it this once."""
    key, who = call.key, call.who
    membership = await require_membership(call, "leader")
    body = await call.body(ApiKeyCreate)
    fresh, request_hash = make_key(), hash_request(body)
    new = NewKey(
        new_id("key", f"{membership.id} {who.user}", key),
        membership.id,
        body.name,
        fresh.prefix,
        fresh.hash,
        sorted(set(body.scopes)),
        membership.member_role == "owner",
        who.user,
        request_hash,
        body.expires_at,
    )
    try:
        made, is_new = await call[API_KEYS].create(new)
    except TooMany as error:
        raise ProblemError(
            LIMIT_REACHED, "Revoke one first.", limit=error.limit
        ) from error
    except OrganisationNotFound as error:
        raise ProblemError(ORGANISATION_NOT_FOUND) from error
    if made.request_hash != request_hash:
        raise ProblemError(KEY_REUSED)
    place = f"/v1/organisations/{membership.id}/api-keys/{made.key_id}"
    answer = _fresh_document_of(made, fresh.text if is_new else None)
    return call.answer(answer, status=201, headers={"Location": place})


async def list_api_keys(call: Call) -> web.Response:
    """List an organisation's keys, the newest first, the revoked ones included."""
    membership, query = await require_membership(call, "leader"), call.request.query
    rows, cursor = await call[API_KEYS].list_of(
        membership.id, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(call[API_KEYS].count_of, membership.id))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def show_api_key(call: Call) -> web.Response:
    """Show one key, without its secret; of a revoked one only the list tells."""
    found = await _find(call, await require_membership(call, "leader"))
    if found.revoked_at is not None:
        raise ProblemError(KEY_NOT_FOUND)
    return call.read(document_of(found), revision=found.revision)


async def rotate_api_key(call: Call) -> web.Response:
    """Give a key another secret, and show it this once."""
    rotation = call.key
    membership, service = (
        await require_membership(call, "leader"),
        call[ORGANISATION_SERVICE],
    )
    body = await call.body(ApiKeyRotate)
    found = await _find(call, membership)
    _check_rights(membership, found)
    fresh = make_key(found.prefix)
    try:
        made, is_new = await call[API_KEYS].rotate(
            membership.id,
            found.key_id,
            fresh.hash,
            overlap_s=body.overlap_s,
            rotation=rotation,
        )
    except KeyRevoked as error:
        raise ProblemError(KEY_REVOKED) from error
    await service.changed(membership.id)
    return call.answer(_fresh_document_of(made, fresh.text if is_new else None))


async def revoke_api_key(call: Call) -> web.Response:
    """End a key for good."""
    membership, service = (
        await require_membership(call, "leader"),
        call[ORGANISATION_SERVICE],
    )
    found = await _find(call, membership)
    _check_rights(membership, found)
    await call[API_KEYS].revoke(membership.id, found.key_id, call.seen)
    await service.changed(membership.id)
    return call.done()


async def _find(call: Call, membership: Membership) -> ApiKey:
    found = await call[API_KEYS].find(membership.id, call.path("key", KEY_NOT_FOUND))
    if found is None:
        raise ProblemError(KEY_NOT_FOUND)
    return found


def _check_rights(membership: Membership, key: ApiKey) -> None:
    if not may_touch_key(membership.member_role, key.owners_only):
        detail = "This needs an owner of the organisation: an owner made the key."
        raise ProblemError(FORBIDDEN, detail)


def document_of(row: ApiKey) -> ApiKeyDocument:
    """Return a key as clients see it."""
    return ApiKeyDocument(**_fields_of(row))


def _fresh_document_of(row: ApiKey, text: str | None) -> FreshApiKeyDocument:
    return FreshApiKeyDocument(key=text, **_fields_of(row))


def _fields_of(row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.key_id,
        "organisation": row.organisation_id,
        "name": row.name,
        "prefix": f"onsale_{row.prefix}",
        "scopes": row.scopes,
        "owners_only": row.owners_only,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "rotated_at": row.rotated_at,
        "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }


ROUTES: Final[tuple[Route, ...]] = (
    post(
        path=f"{ONE}/api-keys",
        handler=create_api_key,
        name="create_api_key",
        summary="Make a key for a machine; it is shown this once",
        access="leader",
        body=ApiKeyCreate,
        answers=FreshApiKeyDocument,
        status=201,
        problems=MADE,
    ),
    listing(
        ApiKeyDocument,
        path=f"{ONE}/api-keys",
        handler=list_api_keys,
        name="list_api_keys",
        summary="List an organisation's keys, the newest first",
        access="leader",
    ),
    read(
        path=f"{ONE}/api-keys/{{key}}",
        handler=show_api_key,
        name="show_api_key",
        summary="Show a key, without its secret",
        access="leader",
        answers=ApiKeyDocument,
        problems=(*ORGANISATION, KEY_NOT_FOUND),
    ),
    post(
        path=f"{ONE}/api-keys/{{key}}/rotate",
        handler=rotate_api_key,
        name="rotate_api_key",
        summary="Give a key another secret; it is shown this once",
        access="leader",
        body=ApiKeyRotate,
        answers=FreshApiKeyDocument,
        problems=(*BODY, KEY_NOT_FOUND, KEY_REVOKED),
    ),
    delete(
        path=f"{ONE}/api-keys/{{key}}",
        handler=revoke_api_key,
        name="revoke_api_key",
        summary="End a key for good; only the list tells of it then",
        access="leader",
        problems=(*EMPTY, KEY_NOT_FOUND),
    ),
)
