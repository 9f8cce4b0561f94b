"""Promotions for those who manage an event, and codes for those who buy.

A code is looked at three times: here, when somebody wants to know what it does or
orders with it; in the transaction that makes the order, which alone decides whether it
may be had; and in what becomes of that order, which uses it or gives it back.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from inventory.faults import Fault
from inventory.settings import settled_in
from persistence.errors import Revisions, TooMany
from persistence.people.addresses import address_key
from persistence.shop.promotions.discounts import Discount
from persistence.shop.promotions.promotions import (
    CodeTaken,
    FoundCode,
    Promotion,
    PromotionRules,
    Promotions,
    Redeemed,
    TooFew,
)
from persistence.shop.promotions.redemptions import Redeems
from server.base.identity import Identity
from server.base.refusals.refusals import (
    CODE_INVALID,
    Refusal,
    too_many,
    wrong_field,
)
from server.events.catalogue.service import EventService, ManagedEvent
from server.shop.promotions.codes import (
    codes_of,
    hash_of,
    hash_of_address,
    id_of,
    plain,
)
from server.shop.promotions.problems import (
    CODE_TAKEN,
    CODE_USED_UP,
    PROMOTION_NOT_FOUND,
    PROMOTION_USED,
)
from server.shop.promotions.rules import in_order
from server.transport.ratelimit.meter import Meter
from server.transport.rest.idempotency import new_id

NO_SUCH_CODE: Final = "The event has no such code."
NOT_NOW: Final = "This code is good at another time, or not any more."
NOT_TOGETHER: Final = "These codes are not good together."
NOTHING_OFF: Final = "This code takes nothing off of what is held."


class NewCodes(Struct, frozen=True, kw_only=True):
    """Codes that somebody wants: one that they thought of, or so many that we do."""

    code: str | None = None
    count: int = 1
    uses_max: int | None = None
    """By how many orders each; None is any number."""
    label: str | None = None
    """What those who manage the event know them by, where they do."""


class PromotionService:
    """Makes promotions and codes, and takes codes. Raises `Unavailable`, `Refusal`.

    A `meter` counts guesses, and raises `RateLimited`.
    """

    def __init__(self, store: Promotions, events: EventService) -> None:
        self._store = store
        self._events = events
        self._seed: bytes | None = None

    async def managed(self, who: Identity, event: str) -> ManagedEvent:
        """Return an event to somebody who manages it, and so its promotions."""
        return await self._events.find_managed(who, event)

    async def of_event(self, event: ManagedEvent) -> list[Promotion]:
        """Return the promotions of an event, the oldest first."""
        return await self._store.of_event(event.id)

    async def find(self, event: ManagedEvent, name: str) -> Promotion:
        """Return a promotion of an event."""
        found = await self._store.find(event.id, name)
        if found is None:
            raise Refusal(PROMOTION_NOT_FOUND)
        return found

    async def create(
        self,
        event: ManagedEvent,
        rules: PromotionRules,
        key: str | None,
        request_hash: bytes,
    ) -> Promotion:
        """Make a promotion; the same request with its key again finds it."""
        currency = settled_in(event.board.settings.prices)
        if rules.currency not in (None, currency):
            field = "amount" if rules.amount else "minimum"
            raise wrong_field(f"{field}.currency", "The event sells in another one.")
        who = event.who.user
        name = new_id("prm", f"{who} {event.id}", key)
        try:
            made = await self._store.create(event.id, name, rules, who, request_hash)
        except TooMany as error:
            raise too_many(error) from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return made

    async def edit(
        self, event: ManagedEvent, name: str, given: Mapping[str, Any], seen: Revisions
    ) -> Promotion:
        """Change what is given of a promotion; raises `Stale`, too."""
        rules = (await self.find(event, name)).rules
        starts = given.get("starts_at", rules.starts_at)
        ends = given.get("ends_at", rules.ends_at)
        if starts is not None and ends is not None and ends <= starts:
            raise wrong_field("ends_at", "It ends after it starts.")
        try:
            return await self._store.edit(event.id, name, given, seen)
        except TooFew as error:
            detail = f"At least {error.taken}: so many orders have it."
            raise wrong_field("limit", detail) from error

    async def delete(self, event: ManagedEvent, name: str, seen: Revisions) -> None:
        """Delete a promotion that no order was made with; raises `Stale`, too."""
        try:
            found = await self._store.delete(event.id, name, seen)
        except Redeemed as error:
            raise Refusal(PROMOTION_USED) from error
        if not found:
            raise Refusal(PROMOTION_NOT_FOUND)

    async def add_codes(
        self, event: ManagedEvent, name: str, wanted: NewCodes, key: str | None
    ) -> list[tuple[str, str]]:
        """Add codes to a promotion and return them: nobody can read them later.

        Beside each is what it is called in numbers.
        """
        await self.find(event, name)
        seed = await self._key()
        if wanted.code is not None:
            codes = [plain(wanted.code)]
        else:
            asked = [event.who.user, name, key or secrets.token_hex(16)]
            codes = codes_of(seed, asked, wanted.count)
        hashes = [hash_of(seed, event.id, code) for code in codes]
        try:
            await self._store.add_codes(
                event.id, name, wanted.uses_max, hashes, wanted.label
            )
        except TooMany as error:
            raise too_many(error) from error
        except CodeTaken as error:
            raise Refusal(CODE_TAKEN if wanted.code else "key_reused") from error
        ids = [id_of(one) for one in hashes]
        return list(zip(codes, ids, strict=True))

    async def refuse_unseen(self, who: Identity, event: str) -> None:
        """Refuse who does not see an event: what codes it has is none of theirs."""
        await self._events.find_shown_row(who, event)

    async def check(self, event: str, code: str, meter: Meter | None) -> Promotion:
        """Return the promotion of a code that may be redeemed now."""
        (found,) = await self._looked_up(event, [code], meter, "code")
        return found.promotion

    async def redeem(
        self, event: str, codes: Sequence[str], email: str, meter: Meter | None
    ) -> tuple[tuple[Discount, ...], Redeems]:
        """Return what the codes of an order take off, and what it is to reserve.

        Nothing is promised: whether they may be had is decided with the order.
        """
        found = await self._looked_up(event, codes, meter)
        promotions = [one.promotion for one in found]
        if len(promotions) > 1:
            several = len({one.promotion_id for one in promotions}) < len(promotions)
            if several or not all(one.rules.stacks for one in promotions):
                raise Refusal(CODE_INVALID, NOT_TOGETHER)
        address = address_key(email) if email else None
        who = None if address is None else hash_of_address(await self._key(), address)
        discounts = in_order([one.discount for one in promotions])
        return discounts, Redeems(tuple(one.hash for one in found), who)

    async def _looked_up(
        self,
        event: str,
        codes: Sequence[str],
        meter: Meter | None,
        field: str = "codes.{}",
    ) -> list[FoundCode]:
        """Return what an event has of codes; refuse those that are not to be had.

        `field` is where the request has one, by its number.
        """
        if meter is not None:
            # Also for who has the right one: else its answer would tell that it is.
            meter.may_guess()
        seed = await self._key()
        hashes = list(dict.fromkeys(hash_of(seed, event, code) for code in codes))
        known = {one.hash: one for one in await self._store.of_codes(event, hashes)}
        for index, name in enumerate(hashes):
            one = known.get(name)
            if one is None:
                if meter is not None:
                    meter.wrong_guess()
                kind, detail = CODE_INVALID, NO_SUCH_CODE
            elif not one.open:
                kind, detail = CODE_INVALID, NOT_NOW
            elif one.used_up:
                kind, detail = CODE_USED_UP, CODE_USED_UP.detail
            else:
                continue
            fault = Fault(field.format(index), detail)
            raise Refusal(kind, detail, faults=[fault])
        return [known[name] for name in hashes]

    async def _key(self) -> bytes:
        if self._seed is None:
            self._seed = await self._store.seed()
        return self._seed


PROMOTION_SERVICE: Final = web.AppKey("promotion service", PromotionService)
"""Promotions of events, and the codes that redeem them."""
