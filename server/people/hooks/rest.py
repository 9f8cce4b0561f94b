"""Webhooks of an organisation: made, listed, changed, tried, and their secrets.

A secret is shown when it is made and never again; the same request once more gets the
same answer without it. Whoever lost it rotates.
"""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.names import NAME_PATTERN
from persistence.people.hooks.hooks import Hook, HookEdit, HookForm, OffReason
from persistence.people.hooks.raising import HookType
from server.people.hooks.addresses import URL_LENGTH_MAX
from server.people.hooks.problems import HOOK_NOT_FOUND
from server.people.hooks.service import HOOK_SERVICE, HookWish, ShownHook
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
    write,
)
from server.transport.rest.call import Call
from server.transport.rest.idempotency import hash_request
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import Route

TAG: Final = "Webhooks"
OVERLAP_S: Final = 86_400
OVERLAP_S_MAX: Final = 7 * 86_400

Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=URL_LENGTH_MAX,
        description="Begins with `https://` and leads to a machine of the public net.",
    ),
]
Types = Annotated[
    list[HookType],
    Meta(max_length=50, description="What it is told of; with none of all there is."),
]
Description = Annotated[str, Meta(max_length=200, pattern=f"^$|{NAME_PATTERN}")]


class HookCreate(Struct, forbid_unknown_fields=True):
    """A new hook; one of the form `discord` leads to a channel there."""

    url: Url
    types: Types = []
    description: Description = ""
    form: HookForm = "standard"


class HookPatch(Struct, forbid_unknown_fields=True):
    """What to change. `active` turns it off, and on again after a 410."""

    url: Url | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class HookRotate(Struct, forbid_unknown_fields=True):
    """How long the secret there was signs beside the new one."""

    overlap_s: Annotated[int, Meta(ge=0, le=OVERLAP_S_MAX)] = OVERLAP_S


class HookDocument(Struct, kw_only=True):
    """A hook without its secret.

    `off` says why it is told nothing: turned off `by_hand`, or because its receiver
    answered 410, `gone`. `failures` is how many attempts failed in a row up to now;
    from the third on it rests, each time for longer, until `rests_until`.
    """

    id: str
    organisation: str
    url: str
    types: list[HookType]
    description: str
    form: HookForm
    active: bool
    off: OffReason | None
    created_by: str
    created_at: datetime
    failures: int
    ok_at: datetime | None
    failed_at: datetime | None
    error: str | None
    rests_until: datetime | None
    old_secret_until: datetime | None


class FreshHookDocument(HookDocument, kw_only=True):
    """A hook with its secret; that is null where it was shown before."""

    secret: str | None


async def create_hook(call: Call) -> web.Response:
    """Make a hook, and show its secret this once."""
    key, membership = call.key, await require_membership(call, "leader")
    body = await call.body(HookCreate)
    wish = HookWish(body.url, body.types, body.description, body.form)
    made = await call[HOOK_SERVICE].create(membership, wish, key, hash_request(body))
    place = f"/v1/organisations/{membership.id}/hooks/{made.row.hook_id}"
    return call.answer(_shown(made), status=201, headers={"Location": place})


async def list_hooks(call: Call) -> web.Response:
    """List an organisation's hooks, the newest first."""
    membership, query = await require_membership(call, "leader"), call.request.query
    store = call[HOOK_SERVICE].hooks
    rows, cursor = await store.list_of(
        membership.id, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(store.count_of, membership.id))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


async def show_hook(call: Call) -> web.Response:
    """Show a hook, without its secret."""
    membership = await require_membership(call, "leader")
    found = await call[HOOK_SERVICE].find(membership, _name_of(call))
    return call.read(_document_of(found), revision=found.revision)


async def edit_hook(call: Call) -> web.Response:
    """Change a hook, turn it off or on."""
    membership = await require_membership(call, "leader")
    name, body = _name_of(call), await call.body(HookPatch)
    edit = HookEdit(
        url=_given(body.url),
        description=_given(body.description),
        types=None if isinstance(body.types, UnsetType) else [*body.types],
        active=_given(body.active),
    )
    edited = await call[HOOK_SERVICE].edit(membership, name, edit, call.seen)
    return call.answer(_document_of(edited), revision=edited.revision)


async def rotate_hook(call: Call) -> web.Response:
    """Give a hook another secret, and show it this once."""
    rotation, membership = call.key, await require_membership(call, "leader")
    name, body = _name_of(call), await call.body(HookRotate)
    made = await call[HOOK_SERVICE].rotate(membership, name, body.overlap_s, rotation)
    return call.answer(_shown(made))


async def delete_hook(call: Call) -> web.Response:
    """Delete a hook, and all that it was told."""
    membership = await require_membership(call, "leader")
    await call[HOOK_SERVICE].delete(membership, _name_of(call), call.seen)
    return call.done()


def _name_of(call: Call) -> str:
    return call.path("hook", HOOK_NOT_FOUND)


def _given(value: Any) -> Any:
    return None if isinstance(value, UnsetType) else value


def _document_of(row: Hook) -> HookDocument:
    return HookDocument(**_fields_of(row))


def _shown(made: ShownHook) -> FreshHookDocument:
    return FreshHookDocument(secret=made.secret, **_fields_of(made.row))


def _fields_of(row: Hook) -> dict[str, Any]:
    return {
        "id": row.hook_id,
        "organisation": row.organisation_id,
        "url": row.url,
        "types": row.types,
        "description": row.description,
        "form": row.form,
        "active": row.off is None,
        "off": row.off,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "failures": row.failures,
        "ok_at": row.ok_at,
        "failed_at": row.failed_at,
        "error": row.error,
        "rests_until": row.rests_until,
        "old_secret_until": row.old_until,
    }


ROUTES: Final[tuple[Route, ...]] = (
    post(
        path=f"{ONE}/hooks",
        handler=create_hook,
        name="create_hook",
        summary="Have a machine of yours told what happens; its secret is shown once",
        tag=TAG,
        access="leader",
        body=HookCreate,
        answers=FreshHookDocument,
        status=201,
        problems=MADE,
    ),
    listing(
        HookDocument,
        path=f"{ONE}/hooks",
        handler=list_hooks,
        name="list_hooks",
        summary="List an organisation's hooks, the newest first",
        tag=TAG,
        access="leader",
    ),
    read(
        path=f"{ONE}/hooks/{{hook}}",
        handler=show_hook,
        name="show_hook",
        summary="Show a hook, without its secret",
        tag=TAG,
        access="leader",
        answers=HookDocument,
        problems=(*ORGANISATION, HOOK_NOT_FOUND),
    ),
    write(
        method="PATCH",
        path=f"{ONE}/hooks/{{hook}}",
        handler=edit_hook,
        name="edit_hook",
        summary="Change a hook, turn it off or on",
        tag=TAG,
        access="leader",
        body=HookPatch,
        answers=HookDocument,
        problems=(*BODY, HOOK_NOT_FOUND),
    ),
    post(
        path=f"{ONE}/hooks/{{hook}}/rotate",
        handler=rotate_hook,
        name="rotate_hook",
        summary="Give a hook another secret; it is shown this once",
        tag=TAG,
        access="leader",
        body=HookRotate,
        answers=FreshHookDocument,
        problems=(*BODY, HOOK_NOT_FOUND),
    ),
    delete(
        path=f"{ONE}/hooks/{{hook}}",
        handler=delete_hook,
        name="delete_hook",
        summary="Delete a hook, and all that it was told",
        tag=TAG,
        access="leader",
        problems=(*EMPTY, HOOK_NOT_FOUND),
    ),
)
