"""API keys of an organisation, as those who lead it make, rotate and revoke them."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.errors import Revisions, TooMany
from persistence.people.api_keys import ApiKey, ApiKeys, KeyRevoked, NewKey, Scope
from persistence.people.organisations import OrganisationNotFound
from server.base.access import may_touch_key
from server.base.refusals.refusals import Refusal, too_many
from server.people.api_keys.api_keys import make_key
from server.people.api_keys.problems import KEY_NOT_FOUND, KEY_REVOKED
from server.people.organisations.membership import Membership
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.transport.rest.idempotency import new_id

OWNERS_KEY: Final = "This needs an owner of the organisation: an owner made the key."


class ShownKey(Struct, frozen=True):
    """A key with its secret, which is shown once: `text` is None where it was."""

    row: ApiKey
    text: str | None

    def __repr__(self) -> str:
        """Leave out the secret."""
        return f"ShownKey({self.row.key_id!r})"


class ApiKeyService:
    """Makes and ends keys. Raises `Unavailable`, and `Refusal`.

    A `membership` says who asks, who has to lead the organisation. `changed` is called
    with an organisation whose keys were.
    """

    def __init__(
        self, store: ApiKeys, changed: Callable[[str], Awaitable[None]]
    ) -> None:
        self.store = store
        self._changed = changed

    async def create(
        self,
        membership: Membership,
        name: str,
        scopes: Iterable[Scope],
        expires_at: datetime | None,
        key: str | None,
        request_hash: bytes,
    ) -> ShownKey:
        """Make a key, and show it this once."""
        user, organisation = membership.require("leader").user, membership.id
        fresh = make_key()
        new = NewKey(
            new_id("key", f"{organisation} {user}", key),
            organisation,
            name,
            fresh.prefix,
            fresh.hash,
            sorted(set(scopes)),
            membership.member_role == "owner",
            user,
            request_hash,
            expires_at,
        )
        try:
            made, is_new = await self.store.create(new)
        except TooMany as error:
            raise too_many(error, "Revoke one first.") from error
        except OrganisationNotFound as error:
            raise Refusal(ORGANISATION_NOT_FOUND) from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return ShownKey(made, fresh.text if is_new else None)

    async def find(self, membership: Membership, key_id: str) -> ApiKey:
        """Return a key that was not revoked; of others only the list tells."""
        membership.require("leader")
        found = await self._find(membership, key_id)
        if found.revoked_at is not None:
            raise Refusal(KEY_NOT_FOUND)
        return found

    async def rotate(
        self,
        membership: Membership,
        key_id: str,
        overlap_s: int,
        rotation: str | None,
    ) -> ShownKey:
        """Give a key another secret, and show it this once.

        The former is good for `overlap_s` more seconds. The same `rotation` again is
        none.
        """
        found = await self._find_touched(membership, key_id)
        fresh = make_key(found.prefix)
        try:
            made, is_new = await self.store.rotate(
                membership.id,
                found.key_id,
                fresh.hash,
                overlap_s=overlap_s,
                rotation=rotation,
                by=membership.require("leader").user,
            )
        except KeyRevoked as error:
            raise Refusal(KEY_REVOKED) from error
        await self._changed(membership.id)
        return ShownKey(made, fresh.text if is_new else None)

    async def revoke(
        self, membership: Membership, key_id: str, seen: Revisions
    ) -> None:
        """End a key for good; raises `Stale`, too."""
        found = await self._find_touched(membership, key_id)
        await self.store.revoke(membership.id, found.key_id, seen)
        await self._changed(membership.id)

    async def depending_on(self, user: str) -> list[str]:
        """Return the organisations with keys that end, or rest, when a user does."""
        return await self.store.depending_on(user)

    async def tell_changed(self, organisations: Iterable[str]) -> None:
        """Have the keys of these looked up anew, for a user was changed."""
        for organisation in organisations:
            await self._changed(organisation)

    async def _find(self, membership: Membership, key_id: str) -> ApiKey:
        found = await self.store.find(membership.id, key_id)
        if found is None:
            raise Refusal(KEY_NOT_FOUND)
        return found

    async def _find_touched(self, membership: Membership, key_id: str) -> ApiKey:
        """Return a key to somebody who may rotate and revoke it."""
        membership.require("leader")
        found = await self._find(membership, key_id)
        if not may_touch_key(membership.member_role, found.owners_only):
            raise Refusal("forbidden", OWNERS_KEY)
        return found


API_KEY_SERVICE: Final = web.AppKey("API key service", ApiKeyService)
