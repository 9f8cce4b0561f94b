"""Real sales for the tests of audits and recovery: an actor over a real journal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from inventory.actor import EventActor
from inventory.commands import (
    AnyCommand,
    Block,
    Book,
    Cancel,
    Extend,
    Hold,
    HoldBest,
    Release,
)
from inventory.ports import BoardState, Envelope, Publication
from inventory.replies import BookOk, HoldOk, Refused, Reply
from inventory.settings import Money, Settings
from inventory.venue.map import Venue, VenueMap
from persistence.postgres.clock import DatabaseClock
from server.base.ids import RandomIds
from tests.persistence.journals import SETTINGS, VENUE, Store

ON_SALE = replace(
    SETTINGS,
    starts_at_ms=4_000_000_000_000,
    sale_state="on_sale",
    prices={"1": Money(4_500, "EUR")},
)


class Silence:
    """A publisher that has no watchers, and an observer that keeps the errors."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def publish(self, publication: Publication) -> None: ...

    def reset(self, state: BoardState) -> None: ...

    def committed(self, commands: int, seconds: float) -> None: ...

    def refused(self, code: str) -> None: ...

    def doubted(self, status: object) -> None: ...

    def failed(self, event: str, error: BaseException) -> None:
        self.errors.append(error)


class Sale:
    """An event on sale, and a way to ask its actor."""

    def __init__(self, event: str, actor: EventActor) -> None:
        self.event = event
        self.actor = actor

    async def ask(
        self,
        command: AnyCommand,
        user: str,
        key: str | None = None,
        organizer: bool = False,
        system: bool = False,
    ) -> Reply:
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.actor.offer(
            Envelope(
                command,
                user,
                organizer,
                lambda _, reply: answer.set_result(reply),
                key=key,
                request_hash=b"hash of the request",
                system=system,
            )
        )
        return await answer

    async def hold(self, user: str, *seats: str, key: str | None = None) -> str:
        reply = await self.ask(
            Hold(id=1, event=self.event, seats=list(seats)), user, key
        )
        assert isinstance(reply, HoldOk), reply
        return reply.hold

    async def book(self, user: str, hold: str, key: str | None = None) -> str:
        reply = await self.ask(Book(id=1, event=self.event, hold=hold), user, key)
        assert isinstance(reply, BookOk), reply
        return reply.booking

    async def do(self, command: AnyCommand, user: str, organizer: bool = False) -> None:
        reply = await self.ask(command, user, organizer=organizer)
        assert not isinstance(reply, Refused), reply


@asynccontextmanager
async def selling(
    store: Store,
    event: str,
    venue_map: VenueMap = VENUE,
    settings: Settings = ON_SALE,
    *,
    new: bool = True,
) -> AsyncIterator[Sale]:
    """Put an event on sale and own it until the block is left."""
    if new:
        await store.catalog.create_venue(
            f"ven of {event}", "Hall", venue_map, created_by="usr", request_hash=b""
        )
        await store.catalog.create_event(
            event,
            settings,
            venue=f"ven of {event}",
            created_by="usr",
            request_hash=b"",
        )
    silence = Silence()
    actor = EventActor(
        event,
        Venue(venue_map),
        settings,
        journal=store.journal,
        publisher=silence,
        clock=DatabaseClock(),
        ids=RandomIds(),
        observer=silence,
    )
    await actor.ready
    try:
        yield Sale(event, actor)
    finally:
        await actor.stop(5)
    assert silence.errors == []


async def sell_some(store: Store, event: str) -> None:
    """Use every kind of change once, each in a batch of its own.

    In the end A-1, A-2, A-6 and two places are booked, A-4 and one more seat are held,
    A-10 is blocked, and the booking of A-7 is cancelled.
    """
    async with selling(store, event) as sale:
        await sale.book("ann", await sale.hold("ann", "A-1", "A-2", key="k1"), "k2")
        places = await sale.ask(Hold(id=1, event=event, areas={"GA": 2}), "bob")
        assert isinstance(places, HoldOk)
        await sale.book("bob", places.hold)
        held = await sale.hold("cat", "A-4", "A-5")
        await sale.do(Extend(id=1, event=event, hold=held), "cat")
        await sale.do(Release(id=1, event=event, hold=held, seats=["A-5"]), "cat")
        await sale.do(Block(id=1, event=event, seats=["A-10"]), "org", organizer=True)
        await sale.book("dan", await sale.hold("dan", "A-6"))
        gone = await sale.book("eve", await sale.hold("eve", "A-7"))
        await sale.do(Cancel(id=1, event=event, booking=gone), "eve")
        best = HoldBest(id=1, event=event, quantity=1)
        await sale.do(best, "fay")
