"""The webhooks of an organisation, as those who lead it make, change and try them."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from persistence.errors import Revisions, TooMany
from persistence.people.hooks.deliveries import Attempt, Deliveries, Delivery
from persistence.people.hooks.hooks import (
    Hook,
    HookEdit,
    HookForm,
    Hooks,
    NewHook,
)
from persistence.people.hooks.raising import HookType
from persistence.people.organisations import OrganisationNotFound
from server.base.refusals.refusals import Refusal, too_many, wrong_field
from server.people.hooks.addresses import fault_of
from server.people.hooks.problems import DELIVERY_NOT_FOUND, HOOK_NOT_FOUND, HOOK_OFF
from server.people.hooks.secret_box import SecretBox, new_secret, text_of
from server.people.organisations.membership import Membership
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.transport.rest.idempotency import new_id

HOOKS_OF_ORGANISATION_MAX: Final = 20


class HookWish(Struct, frozen=True):
    """A hook that somebody wants: of no `types` it is told all there are."""

    url: str
    types: list[HookType]
    description: str = ""
    form: HookForm = "standard"

    def __repr__(self) -> str:
        """Leave out where it leads."""
        return f"HookWish({self.types!r})"


class ShownHook(Struct, frozen=True):
    """A hook with its secret, which is shown once: None where it was."""

    row: Hook
    secret: str | None

    def __repr__(self) -> str:
        """Leave out the secret."""
        return f"ShownHook({self.row.hook_id!r})"


class HookService:
    """Makes, changes and tries hooks. Raises `Unavailable`, and `Refusal`.

    A `membership` says who asks, who has to lead the organisation. With `private` hooks
    may lead anywhere.
    """

    def __init__(
        self, hooks: Hooks, deliveries: Deliveries, box: SecretBox, *, private: bool
    ) -> None:
        self.hooks = hooks
        self.deliveries = deliveries
        self._box = box
        self._private = private

    async def create(
        self,
        membership: Membership,
        wish: HookWish,
        key: str | None,
        request_hash: bytes,
    ) -> ShownHook:
        """Make a hook, and show its secret this once."""
        user, organisation = membership.require("leader").user, membership.id
        self._check(wish.url)
        secret, hook = new_secret(), new_id("hook", f"{organisation} {user}", key)
        new = NewHook(
            hook,
            organisation,
            wish.url,
            wish.description,
            sorted(set(wish.types)),
            wish.form,
            self._box.seal(secret, hook),
            user,
            request_hash,
        )
        try:
            made, is_new = await self.hooks.create(new)
        except TooMany as error:
            raise too_many(error, "Delete one first.") from error
        except OrganisationNotFound as error:
            raise Refusal(ORGANISATION_NOT_FOUND) from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return ShownHook(made, text_of(secret) if is_new else None)

    async def find(self, membership: Membership, hook: str) -> Hook:
        """Return a hook."""
        membership.require("leader")
        found = await self.hooks.find(membership.id, hook)
        if found is None:
            raise Refusal(HOOK_NOT_FOUND)
        return found

    async def edit(
        self, membership: Membership, hook: str, edit: HookEdit, seen: Revisions
    ) -> Hook:
        """Change a hook; raises `Stale`, too."""
        membership.require("leader")
        if edit.url is not None:
            self._check(edit.url)
        if edit.types is not None:
            types = sorted(set(edit.types))
            edit = HookEdit(edit.url, edit.description, types, edit.active)
        edited = await self.hooks.edit(membership.id, hook, edit, seen)
        if edited is None:
            raise Refusal(HOOK_NOT_FOUND)
        return edited

    async def rotate(
        self, membership: Membership, hook: str, overlap_s: int, rotation: str | None
    ) -> ShownHook:
        """Give a hook another secret, and show it this once.

        The former signs beside it for `overlap_s` more seconds. The same `rotation`
        again is none.
        """
        membership.require("leader")
        secret = new_secret()
        made, is_new = await self.hooks.rotate(
            membership.id,
            hook,
            self._box.seal(secret, hook),
            overlap_s=overlap_s,
            rotation=rotation,
        )
        if made is None:
            raise Refusal(HOOK_NOT_FOUND)
        return ShownHook(made, text_of(secret) if is_new else None)

    async def delete(self, membership: Membership, hook: str, seen: Revisions) -> None:
        """Delete a hook and all that it was told; raises `Stale`, too."""
        membership.require("leader")
        if not await self.hooks.delete(membership.id, hook, seen):
            raise Refusal(HOOK_NOT_FOUND)

    async def test(
        self, membership: Membership, hook: str, key: str | None
    ) -> Delivery:
        """Send a hook something, whatever it wants to be told: once for each key."""
        found = await self.find(membership, hook)
        if found.off is not None:
            raise Refusal(HOOK_OFF)
        user = membership.require("leader").user
        delivery = new_id("msg", f"{found.hook_id} {user}", key)
        body = {
            "type": "hook.test",
            "timestamp": datetime.now(UTC).isoformat(timespec="microseconds"),
            "data": {"hook": found.hook_id},
        }
        text = msgspec.json.encode(body).decode()
        put = await self.deliveries.put_test(
            membership.id, found.hook_id, delivery, text
        )
        if put is None:
            raise Refusal(HOOK_NOT_FOUND)
        return put

    async def find_delivery(
        self, membership: Membership, delivery: str
    ) -> tuple[Delivery, list[Attempt]]:
        """Return a delivery, and each time that it was sent."""
        membership.require("leader")
        found = await self.deliveries.find(membership.id, delivery)
        if found is None:
            raise Refusal(DELIVERY_NOT_FOUND)
        return found, await self.deliveries.attempts_of(delivery)

    async def replay(
        self, membership: Membership, delivery: str, key: str | None
    ) -> Delivery:
        """Send a delivery again, with its id and as it was: once for each key."""
        user = membership.require("leader").user
        name = new_id("rep", f"{delivery} {user}", key)
        found = await self.deliveries.replay(membership.id, delivery, name)
        if found is None:
            raise Refusal(DELIVERY_NOT_FOUND)
        return found

    async def replay_between(
        self,
        membership: Membership,
        hook: str,
        since: datetime,
        until: datetime | None,
        key: str | None,
    ) -> int:
        """Send what a hook was told in a time again; return how many that are.

        Once for each key and time.
        """
        user = membership.require("leader").user
        found = await self.find(membership, hook)
        end = datetime.now(UTC) if until is None else until
        if end <= since:
            raise wrong_field("until", "Not after since.")
        name = new_id("rep", f"{found.hook_id} {user} {since} {until}", key)
        return await self.deliveries.replay_between(
            membership.id, found.hook_id, since, end, name
        )

    def _check(self, url: str) -> None:
        fault = fault_of(url, self._private)
        if fault is not None:
            raise wrong_field("url", fault)


HOOK_SERVICE: Final = web.AppKey("hook service", HookService)
