"""Events as somebody may see, manage and make them, whoever asks and over whatever."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Literal

from aiohttp import web
from msgspec import Struct, structs

from inventory.commands import ChangeSale, Configure, DeleteEvent
from inventory.faults import Faults
from inventory.money import text_of
from inventory.ports import Clock
from inventory.replies import Refused
from inventory.rules.settings import completing
from inventory.settings import Money, Settings
from persistence.errors import TooMany
from persistence.events.catalog import Catalog
from persistence.events.rows import EventRow
from server.base import limits
from server.base.identity import Identity
from server.base.refusals.refusals import (
    CommandRefused,
    Refusal,
    too_many,
    wrong_field,
)
from server.events.catalogue.bodies import (
    EventCreate,
    details_of,
    new_faults,
    settings_of,
)
from server.events.catalogue.checks import (
    categories_of,
    refuse_new,
    refuse_place,
    unknown_times,
)
from server.events.catalogue.editing.venue_time import VenueTiming
from server.events.catalogue.row_cache import EventRows
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    ServedEvent,
    ask,
)
from server.live.fanout.board import Board
from server.people.organisations.membership import Memberships
from server.transport.rest.idempotency import hash_request, new_id

NO_PROVIDER: Final = (
    "It has to be paid before it is booked, and nobody takes payments here: set "
    "ONSALE_PAYMENTS, or `payment` to `none`."
)
Step = Literal["publish", "pause", "resume", "close", "cancel"]
"""A step of an event's sale."""


class FoundEvent(Struct):
    """An event that is there: its actor's address, and its id."""

    id: str
    local: ServedEvent

    @property
    def board(self) -> Board:
        """What is committed of it."""
        return self.local.board

    @property
    def organisation(self) -> str | None:
        """The organisation that it belongs to."""
        seller = self.local.seller
        return None if seller is None else seller.organisation

    @property
    def maker(self) -> str:
        """Who made it, and has it where no organisation does."""
        return self.local.maker


class ManagedEvent(FoundEvent):
    """An event with somebody who manages it; `EventService.find_managed` makes it."""

    who: Identity


class Standing(Struct, frozen=True):
    """Whose an event is, and what became of it: all that decides who sees it."""

    organisation: str | None
    maker: str
    sale_state: str
    deleted: bool


PriceRefusal = Callable[[Money], str | None]
"""Says in a sentence why nobody could pay a price; None where they can."""

Judge = Callable[[Standing], Awaitable[None]]
"""Raises `Refusal` for what somebody may not see or do."""


class MadeEvent(Struct, frozen=True):
    """An event that was just made, as its row and its settings were at first."""

    row: EventRow
    settings: Settings


class EventService:
    """Finds events, makes them, takes the steps of their sale.

    All raise `Unavailable`, and `Refusal` for what they refuse.
    """

    def __init__(
        self,
        registry: EventRegistry,
        catalog: Catalog,
        rows: EventRows,
        memberships: Memberships,
        clock: Clock,
        *,
        takes_payments: bool,
        refusals: Sequence[PriceRefusal] = (),
    ) -> None:
        self._registry = registry
        self.takes_payments = takes_payments
        """Whether there is a provider of payment, without which nothing can be paid."""
        self._refusals = refusals
        self._catalog = catalog
        self._rows = rows
        self._memberships = memberships
        self._clock = clock
        self.timing = VenueTiming(catalog, memberships, self.order)

    async def find(
        self, who: Identity | None, event: str, deleted: bool = False
    ) -> FoundEvent:
        """Return an event, activated, as somebody may see it.

        A deleted one is found only where that is asked for; a draft only by those who
        run the event.
        """

        async def judge(one: Standing) -> None:
            await self._refuse_unseen(who, one, deleted)

        await self._judge(event, judge)
        return await self.load(event, deleted)

    async def find_managed(
        self, who: Identity, event: str, deleted: bool = False
    ) -> ManagedEvent:
        """Return an event to somebody who manages it."""

        async def judge(one: Standing) -> None:
            await self._refuse_unseen(who, one, deleted)
            whose = one.organisation, one.maker
            if one.deleted and not await self._memberships.manages(who, *whose):
                # To all others it is gone.
                raise Refusal("event_not_found")
            await self._memberships.require_manager(who, *whose)

        await self._judge(event, judge)
        found = await self.load(event, deleted)
        return ManagedEvent(found.id, found.local, who)

    async def load(self, event: str, deleted: bool = False) -> FoundEvent:
        """Return an event, activated, whoever asks."""
        try:
            local = await self._registry.find(event)
        except EventNotFound as error:
            raise Refusal("event_not_found") from error
        except EventUnavailable as error:
            raise Refusal("unavailable") from error
        if local.board.settings.deleted and not deleted:
            raise Refusal("event_not_found")
        return FoundEvent(event, local)

    async def find_row(self, event: str) -> EventRow:
        """Return an event's row, for what stands beside its board."""
        row = await self._rows.find(event)
        if row is None:
            raise Refusal("event_not_found")
        return row

    async def find_row_anew(self, event: str) -> EventRow:
        """Return an event's row with its settings as they are committed now."""
        row = await self._rows.find_anew(event)
        if row is None:
            raise Refusal("event_not_found")
        return row

    async def find_shown_row(self, who: Identity | None, event: str) -> EventRow:
        """Return the row of an event that was not deleted, as somebody may see it."""

        async def judge(one: Standing) -> None:
            await self._refuse_unseen(who, one, deleted=False)

        return await self._judge_row(event, judge)

    async def _judge(self, event: str, judge: Judge) -> None:
        """Let somebody be refused an event before anything of it is loaded."""
        local = self._registry.active.get(event)
        if local is None:
            await self._judge_row(event, judge)
            return
        seller, settings = local.seller, local.board.settings
        organisation = None if seller is None else seller.organisation
        state, deleted = settings.sale_state, settings.deleted
        await judge(Standing(organisation, local.maker, state, deleted))

    async def _judge_row(self, event: str, judge: Judge) -> EventRow:
        """Return an event's row where nobody is refused what it tells of.

        A refusal is never by what is kept, which is a few seconds old.
        """
        kept = self._rows.keeps(event)
        row = await self._rows.find(event)
        try:
            return await _judged(row, judge)
        except Refusal:
            if not kept:
                raise
        return await _judged(await self._rows.find_anew(event), judge)

    async def _refuse_unseen(
        self, who: Identity | None, event: Standing, deleted: bool
    ) -> None:
        """Raise `Refusal` for a draft of others, and for what is deleted."""
        whose = event.organisation, event.maker
        if (event.deleted and not deleted) or await self._memberships.is_hidden(
            who, *whose, event.sale_state
        ):
            raise Refusal("event_not_found")

    async def order(
        self,
        event: ManagedEvent,
        command: ChangeSale | Configure | DeleteEvent,
        key: str | None,
        request_hash: bytes | None = None,
    ) -> None:
        """Give an event a command of who manages it; raises `CommandRefused`."""
        who = event.who.user
        reply = await ask(event.local, command, who, True, key, request_hash)
        if isinstance(reply, Refused):
            raise CommandRefused(reply)
        if isinstance(reply.version, int):
            # Where another process owns the event, its news may come after its answer.
            await event.local.hub.reach(reply.version, limits.LOAD_S_MAX)

    async def take_step(
        self, who: Identity, event: str, step: Step, key: str | None
    ) -> ManagedEvent:
        """Take one step of an event's sale; return the event after it."""
        found = await self.find_managed(who, event)
        if step == "publish":
            self._refuse_unpayable(found.board.settings)
            await self.timing.publish(found, key)
        else:
            await self.order(found, ChangeSale(id=0, event=event, to=step), key)
        return found

    def _refuse_unpayable(self, settings: Settings) -> None:
        """Refuse to sell what has to be paid first where nobody takes the money."""
        draft = settings.sale_state == "draft"
        if not draft or settings.payment != "required":
            return
        if not self.takes_payments:
            raise Refusal("wrong_state", NO_PROVIDER)
        types = [one.prices for one in settings.types.values()]
        why = self.unpayable(
            price for prices in (settings.prices, *types) for price in prices.values()
        )
        if why is not None:
            raise Refusal("wrong_state", why)

    def unpayable(self, prices: Iterable[Money]) -> str | None:
        """Say why some of these prices could be paid by nobody; None where all can."""
        for price in prices:
            for refusal in self._refusals:
                why = refusal(price)
                if why is not None:
                    return f"{text_of(price)} cannot be paid here: {why}"
        return None

    async def create(
        self,
        who: Identity,
        new: EventCreate,
        found: Faults,
        key: str | None,
        *,
        sold_by: Callable[[str], None],
    ) -> MadeEvent:
        """Make an event at a venue, or one with just a capacity.

        `found` is what is wrong with its values already; `sold_by` is told whose it is
        to be, once nothing is wrong, where that is an organisation.
        """
        # Who sends what is no event hears that first, whomever it is to belong to.
        seller = (
            None if found else await self._memberships.seller_of(who, new.organisation)
        )
        catalog, event = self._catalog, new_id("evt", who.user, key)
        timezone = new.timezone
        if not isinstance(timezone, str):
            timezone = await catalog.zone_for(event, new.venue, seller)
        settings = completing(settings_of(new, timezone))
        categories = await categories_of(catalog, new, settings, found)
        wrong = new_faults(
            settings, *categories, self._clock.now_ms(), unknown_times(found)
        )
        await refuse_new(catalog, event, wrong, found, keyed=key is not None)
        place = event, new.venue, seller
        await refuse_place(catalog, self._memberships, who, key, *place)
        details, request_hash = details_of(new), hash_request(new)
        if seller is not None:
            sold_by(seller)
        try:
            row = await catalog.create_event(
                event,
                settings,
                venue=new.venue,
                capacity=new.capacity,
                created_by=who.user,
                request_hash=request_hash,
                organisation=seller,
                details=details,
                unlimited=who.role == "admin",
            )
        except TooMany as error:
            raise too_many(error) from error
        except KeyError as error:
            missing = error.args[0]
            raise wrong_field(missing, f"There is no such {missing}.") from error
        if row.request_hash != request_hash:
            raise Refusal("key_reused")
        # What this request says and not the row: where it is made again after a while,
        # it still gets the answer that it got at first.
        first = structs.replace(row, details=details, image=None)
        return MadeEvent(first, settings)


async def _judged(row: EventRow | None, judge: Judge) -> EventRow:
    if row is None:
        raise Refusal("event_not_found")
    settings = row.settings
    state, deleted = settings.sale_state, settings.deleted
    await judge(Standing(row.organisation, row.created_by, state, deleted))
    return row


PRICE_REFUSALS: Final = web.AppKey[list[PriceRefusal]]("prices nobody can pay")
"""What says why a price cannot be paid; providers of payment are opened later."""

ON_WITHDRAWN: Final[web.AppKey[list[Callable[[str], Awaitable[None]]]]] = web.AppKey(
    "on withdrawn", list
)
"""What others do when an event was deleted."""

EVENT_SERVICE: Final = web.AppKey("event service", EventService)
