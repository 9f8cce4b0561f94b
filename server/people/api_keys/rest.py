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
from persistence.people.api_keys import ApiKey, Scope
from server.people.api_keys.problems import KEY_NOT_FOUND, KEY_REVOKED
from server.people.api_keys.service import API_KEY_SERVICE, ShownKey
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
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Name
from server.transport.rest.idempotency import hash_request
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

    Of one with `owners_only` leaders cannot dispose, because an owner made it. It ends
    when `held_by`, who made it or rotated it last, is removed, and rests while they are
    suspended, or all owners of the organisation: another's rotation keeps it.
    """

    id: str
    organisation: str
    name: str
    prefix: str
    scopes: list[Scope]
    owners_only: bool
    created_by: str
    held_by: str
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
    key, membership = call.key, await require_membership(call, "leader")
    body = await call.body(ApiKeyCreate)
    made = await call[API_KEY_SERVICE].create(
        membership, body.name, body.scopes, body.expires_at, key, hash_request(body)
    )
    place = f"/v1/organisations/{membership.id}/api-keys/{made.row.key_id}"
    answer = _shown_document_of(made)
    return call.answer(answer, status=201, headers={"Location": place})


async def list_api_keys(call: Call) -> web.Response:
    """List an organisation's keys, the newest first, the revoked ones included."""
    membership, query = await require_membership(call, "leader"), call.request.query
    store = call[API_KEY_SERVICE].store
    rows, cursor = await store.list_of(
        membership.id, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(store.count_of, membership.id))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def show_api_key(call: Call) -> web.Response:
    """Show one key, without its secret; of a revoked one only the list tells."""
    membership = await require_membership(call, "leader")
    name = call.path("key", KEY_NOT_FOUND)
    found = await call[API_KEY_SERVICE].find(membership, name)
    return call.read(document_of(found), revision=found.revision)


async def rotate_api_key(call: Call) -> web.Response:
    """Give a key another secret, and show it this once."""
    rotation, membership = call.key, await require_membership(call, "leader")
    body = await call.body(ApiKeyRotate)
    name = call.path("key", KEY_NOT_FOUND)
    made = await call[API_KEY_SERVICE].rotate(
        membership, name, body.overlap_s, rotation
    )
    return call.answer(_shown_document_of(made))


async def revoke_api_key(call: Call) -> web.Response:
    """End a key for good."""
    membership = await require_membership(call, "leader")
    name = call.path("key", KEY_NOT_FOUND)
    await call[API_KEY_SERVICE].revoke(membership, name, call.seen)
    return call.done()


def document_of(row: ApiKey) -> ApiKeyDocument:
    """Return a key as clients see it."""
    return ApiKeyDocument(**_fields_of(row))


def _shown_document_of(made: ShownKey) -> FreshApiKeyDocument:
    return FreshApiKeyDocument(key=made.text, **_fields_of(made.row))


def _fields_of(row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.key_id,
        "organisation": row.organisation_id,
        "name": row.name,
        "prefix": f"onsale_{row.prefix}",
        "scopes": row.scopes,
        "owners_only": row.owners_only,
        "created_by": row.created_by,
        "held_by": row.holder,
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
