"""Lists of an event, for those who manage it, and for gates what these count."""

from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from persistence.errors import Revisions, TooMany
from persistence.shop.checkin.counts import GateCounts, ListCounts
from persistence.shop.checkin.lists import CheckinList, ListRules
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal, too_many
from server.shop.checkin.service import CheckinService
from server.transport.rest.idempotency import new_id


class ManagedLists(Struct, frozen=True):
    """The lists of an event, for somebody who manages it; `find_managed` makes it."""

    event: str
    who: Identity


class ListService:
    """Makes, edits and shows lists. Raises `Unavailable`, and `Refusal`."""

    def __init__(self, gates: CheckinService) -> None:
        self._gates = gates
        self._store = gates.lists

    async def find_managed(self, who: Identity, event: str) -> ManagedLists:
        """Return the lists of an event to somebody who manages it."""
        await self._gates.find_event(who, event)
        return ManagedLists(event, who)

    async def of_event(self, who: Identity, event: str) -> list[CheckinList]:
        """Return the lists of an event, the main one first."""
        await self._gates.find_event(who, event)
        return await self._store.of_event(event)

    async def counts(
        self, who: Identity, event: str
    ) -> tuple[list[ListCounts], list[GateCounts]]:
        """Return what the lists of an event count, and their gates."""
        await self._gates.find_event(who, event)
        await self._store.make_main([event])
        counts = self._gates.counts
        return await counts.of_lists([event]), await counts.of_gates(event)

    async def create(
        self,
        lists: ManagedLists,
        rules: ListRules,
        key: str | None,
        request_hash: bytes,
    ) -> CheckinList:
        """Make a list; the same request with its key again finds it."""
        who = lists.who.user
        name = new_id("lst", f"{who} {lists.event}", key)
        try:
            made = await self._store.create(lists.event, name, rules, who, request_hash)
        except TooMany as error:
            raise too_many(error) from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return made

    async def edit(
        self, lists: ManagedLists, name: str, given: dict[str, Any], seen: Revisions
    ) -> CheckinList:
        """Change what is given of a list; raises `Stale`, too."""
        await self._gates.find_list(lists.event, name)
        return await self._store.edit(lists.event, name, given, seen)


LIST_SERVICE: Final = web.AppKey("check-in list service", ListService)
"""The check-in lists of events."""
