"""Which events this process serves, and how a command finds its actor.

An event's actor starts with the first use of the event, and shortly before a scheduled
sale opens. Alone, a process owns every event; among others, what a neighbour owns is
served through it (`server.live.cluster`).
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Final, Protocol

import structlog
from aiohttp import web

from inventory.actor import EventActor
from inventory.commands import AnyCommand
from inventory.limits import MAILBOX_COMMANDS_MAX
from inventory.ports import Clock, Envelope, Ids, Journal, Observer, Publisher
from inventory.replies import Reply
from inventory.venue.map import Venue
from persistence.errors import Unavailable
from persistence.events.catalog import Catalog, EventPlan
from persistence.journal.journal import PostgresJournal
from server.base import access, limits
from server.base.access import Seller
from server.base.identity import Identity
from server.base.jobs import Job
from server.live.actors.envelopes import envelope_of
from server.live.actors.looks import Looks, is_hidden_from
from server.live.actors.venues import LoadedVenues
from server.live.fanout.board import Board
from server.live.fanout.hub import EventHub, Hub

log = structlog.get_logger()


class EventNotFound(Exception):
    """There is no such event."""


class EventUnavailable(Exception):
    """The event cannot be served just now; nothing happened."""


class ServedEvent:
    """An event as sessions and readers use it: where commands go, who watches, what is.

    `elsewhere` names the process that owns it; None where this one does. `address` is
    where clients reach that process directly, where that is so. `seller` is the
    organisation that it belongs to; without one it belongs to its `maker`.
    """

    used = True
    """Set with each use that is no command; for whoever unloads what nobody uses."""

    elsewhere: str | None = None
    address: str | None = None
    seller: Seller | None = None
    maker: str = ""

    def __init__(self, hub: EventHub, offer: Callable[[Envelope], None]) -> None:
        self.hub = hub
        self.offer = offer

    @property
    def board(self) -> Board:
        """Return the committed board."""
        return self.hub.board

    def is_run_by(self, user: Identity) -> bool:
        """Return whether somebody manages the event, as far as is known in memory."""
        seller = self.seller
        if seller is None:
            return access.manages(user, None, None, self.maker)
        role = seller.role_of(user.user)
        return access.manages(user, seller.organisation, role, self.maker)

    def is_hidden_from(self, user: Identity) -> bool:
        """Return whether this is a draft of others, as far as is known in memory."""
        state = self.board.settings.sale_state
        return is_hidden_from(user, self.seller, self.maker, state)


class LocalEvent(ServedEvent):
    """An event that this process owns."""

    def __init__(self, actor: EventActor, hub: EventHub) -> None:
        super().__init__(hub, actor.offer)
        self.actor = actor
        self.used_at = actor.clock.monotonic()
        """When it was last seen to be used, in seconds of a clock that never jumps."""


class Sellers(Protocol):
    """Where the sellers of events are found."""

    async def find(self, organisation: str) -> Seller:
        """Return an organisation as this process knows it. Raises `Unavailable`."""


class Neighbours(Protocol):
    """The other processes of the cluster, as far as events are concerned."""

    async def owner_of(self, event: str) -> str | None:
        """Return the process to ask about an event; None where it is for us to own.

        Raises `EventNotFound`, and `EventUnavailable` while nobody may own it.
        """

    async def serve_through(self, owner: str, hub: EventHub) -> ServedEvent:
        """Serve an event through its owner, its board up to date.

        Raises `EventUnavailable`.
        """

    def publisher_for(self, hub: EventHub) -> Publisher:
        """Return what an actor of ours publishes to: the hub, and the others."""

    def lost(self, event: str) -> None:
        """Take note that an event of ours is not ours any more."""

    def is_followed(self, event: str) -> bool:
        """Return whether another process may need an event of ours."""

    def unloaded(self, event: str) -> None:
        """Take note that we own an event no more, and nobody else does yet."""


class EventRegistry:
    """The events of this process."""

    def __init__(
        self,
        catalog: Catalog,
        journal: Journal,
        hub: Hub,
        clock: Clock,
        ids: Ids,
        observer: Observer,
    ) -> None:
        self.active: dict[str, ServedEvent] = {}
        self.neighbours: Neighbours | None = None
        self.sellers: Sellers | None = None
        """Who manages the events of organisations; without it there are none."""
        self._catalog = catalog
        self._journal = journal
        self._hub = hub
        self._clock = clock
        self._ids = ids
        self._observer = observer
        self._loading: dict[str, asyncio.Task[ServedEvent]] = {}
        self._places = asyncio.Semaphore(limits.EVENTS_LOADING_MAX)
        self.venues = LoadedVenues()
        self._looks = Looks(catalog, self._seller_of)
        self._leaving: set[EventActor] = set()
        self._stopping = False

    async def find(self, event: str) -> ServedEvent:
        """Return an event, loaded on first use.

        Raises `EventNotFound` and `EventUnavailable`.
        """
        local = self.active.get(event)
        if local is not None:
            local.used = True
            return local
        if self._stopping:
            raise EventUnavailable
        task = self._loading.get(event)
        if task is None:
            task = self._begin(event)
        # One impatient caller must not end the loading for the others.
        alone = self.neighbours is None
        patience_s = limits.LOAD_S_MAX if alone else limits.FIND_S_MAX
        await asyncio.wait([task], timeout=patience_s)
        if not task.done() or task.cancelled():
            raise EventUnavailable
        return task.result()

    async def find_for(
        self, user: Identity, event: str, *, deleted: bool
    ) -> ServedEvent:
        """Return an event as `find` does, but load nothing that is not for somebody.

        A draft of others is `EventNotFound`, and a deleted event where not `deleted`.
        What is loaded already is judged by its board, and by whoever called this.
        """
        near = event in self.active or event in self._loading
        # Who looks already was here first, and goes on first.
        if event in self._looks.under_way or not near:
            try:
                there = await self._looks.is_there_for(user, event, deleted=deleted)
            except Unavailable as error:
                raise EventUnavailable from error
            if not there:
                raise EventNotFound
        return await self.find(event)

    def adopt(self, events: list[str]) -> None:
        """Load events though nobody asked for them."""
        for event in events:
            if event not in self.active and event not in self._loading:
                # Kept until it has ended; nobody waits for it here.
                _ = self._begin(event)

    def mailbox_depth(self) -> int:
        """Count the commands that wait in all mailboxes."""
        return sum(len(local.actor.mailbox) for local in self.owned())

    def mailbox_share(self, event: str) -> float:
        """Return how full the mailbox of an event of ours is; 0 for those of others."""
        local = self.active.get(event)
        if not isinstance(local, LocalEvent):
            return 0.0
        return len(local.actor.mailbox) / MAILBOX_COMMANDS_MAX

    def owned(self) -> list[LocalEvent]:
        """Return the events that this process owns."""
        return [one for one in self.active.values() if isinstance(one, LocalEvent)]

    def let_go(self, event: str) -> bool:
        """Serve an event through nobody until it is asked for; False for our own."""
        if isinstance(self.active.get(event), LocalEvent):
            return False
        self.active.pop(event, None)
        return True

    def forget(self, event: str) -> None:
        """Serve an event that others own no more, and drop what is known of it."""
        # Who is loading it has the hub in hand: watchers of that one would be lost.
        if self.let_go(event) and event not in self._loading:
            self._hub.drop(event)

    def is_followed(self, served: LocalEvent) -> bool:
        """Return whether another process may need an event of ours."""
        neighbours = self.neighbours
        return neighbours is not None and neighbours.is_followed(served.actor.event)

    async def unload(self, served: LocalEvent) -> bool:
        """Give an idle event up and drop all that is known of it; False if in use.

        Whoever wants it meanwhile loads it again, behind this.
        """
        actor = served.actor
        event = actor.event
        if self.active.get(event) is not served or served.hub.watchers:
            return False
        del self.active[event]
        self._hub.drop(event)
        if self.neighbours is not None:
            self.neighbours.unloaded(event)
        self._leaving.add(actor)
        try:
            await actor.stop(limits.STOP_S_MAX)
        finally:
            self._leaving.discard(actor)
        return True

    def unserved(self) -> list[str]:
        """Return the events that are watched here though nobody serves them."""
        return [
            event
            for event, hub in self._hub.events.items()
            if hub.watchers and event not in self.active and event not in self._loading
        ]

    async def give_up(self, event: str, patience_s: float = limits.STOP_S_MAX) -> None:
        """Answer what waits for an event of ours, and let others own it."""
        local = self.active.get(event)
        if isinstance(local, LocalEvent):
            await local.actor.stop(patience_s)

    async def run(self, job: Job) -> None:
        """Start the actors of sales that open or end soon; they do it by themselves."""
        while True:
            try:
                with job:
                    due_ms = self._clock.now_ms() + limits.OPENING_AHEAD_MS
                    for event in await self._catalog.scheduled_events(due_ms):
                        if event not in self.active:
                            await self.find(event)
            except (Unavailable, EventNotFound, EventUnavailable) as error:
                log.warning("scheduled sales could not be looked up", error=repr(error))
            await asyncio.sleep(limits.OPENING_AHEAD_MS / 3_000)

    async def stop(self, patience_s: float) -> None:
        """Answer what is waiting, and give all events up."""
        self._stopping = True
        for task in list(self._loading.values()):
            task.cancel()
        actors = {one.actor for one in self.owned()} | self._leaving
        await asyncio.gather(*(actor.stop(patience_s) for actor in actors))

    def _begin(self, event: str) -> asyncio.Task[ServedEvent]:
        # Its actor outlives the request that asked for it first: it logs for nobody.
        task = asyncio.create_task(
            self._load(event), name=f"load {event}", context=Context()
        )
        self._loading[event] = task
        task.add_done_callback(partial(self._loaded, event))
        return task

    def _loaded(self, event: str, task: asyncio.Task[ServedEvent]) -> None:
        self._loading.pop(event, None)
        if not task.cancelled():
            # Looked at here, because all who asked may be gone by now.
            task.exception()

    async def _load(self, event: str) -> ServedEvent:
        async with self._places:
            plan, venue = await self._plan_of(event)
            seller = await self._seller_of(plan.organisation)
        hub = self._hub.add_event(event, venue, plan.first_settings)
        # Where that fails the hub stays: who follows an owner has it in hand.
        served = await self._serve(plan, hub)
        if self._stopping and isinstance(served, LocalEvent):
            await served.actor.stop(limits.STOP_S_MAX)
            raise EventUnavailable
        served.seller, served.maker = seller, plan.created_by
        self.active[event] = served
        return served

    async def _plan_of(self, event: str) -> tuple[EventPlan, Venue]:
        """Return what an event begins with; its map is fetched where it is not here."""
        try:
            plan = await self._catalog.find_plan(event, drawn=False)
            venue = None if plan is None else self.venues.find(_drawn(plan))
            if plan is not None and venue is None:
                plan = await self._catalog.find_plan(event)
        except Unavailable as error:
            raise EventUnavailable from error
        if plan is None:
            raise EventNotFound
        if venue is None:
            venue = await asyncio.to_thread(_venue_of, plan)
            self.venues.add(_drawn(plan), venue)
        return plan, venue

    async def _seller_of(self, organisation: str | None) -> Seller | None:
        """Return an organisation that events belong to, as this process knows it."""
        if organisation is None:
            return None
        if self.sellers is None:
            raise EventUnavailable
        try:
            return await self.sellers.find(organisation)
        except Unavailable as error:
            raise EventUnavailable from error

    async def _serve(self, plan: EventPlan, hub: EventHub) -> ServedEvent:
        """Own an event, or serve it through whoever owns it."""
        neighbours = self.neighbours
        if neighbours is None:
            return await self._own(plan, hub, hub, patient=True)
        loop = asyncio.get_running_loop()
        ends = loop.time() + limits.LOAD_S_MAX
        while True:
            try:
                owner = await neighbours.owner_of(plan.event)
                if owner is not None:
                    return await neighbours.serve_through(owner, hub)
                publisher = neighbours.publisher_for(hub)
                return await self._own(plan, hub, publisher, patient=False)
            except EventUnavailable:
                # Its owner may be dead and its lease not over yet, or another one was
                # quicker than we.
                if self._stopping or loop.time() > ends:
                    raise
            await asyncio.sleep(limits.OWNER_POLL_S)

    async def _own(
        self, plan: EventPlan, hub: EventHub, publisher: Publisher, *, patient: bool
    ) -> LocalEvent:
        # An actor loads from its first moment on: only so many may do so at a time.
        async with self._places:
            actor = EventActor(
                plan.event,
                hub.board.venue,
                plan.first_settings,
                journal=self._journal,
                publisher=publisher,
                clock=self._clock,
                ids=self._ids,
                observer=self._observer,
                patient=patient,
            )
            try:
                await actor.ready
            except Exception as error:
                raise EventUnavailable from error
        local = LocalEvent(actor, hub)
        actor.task.add_done_callback(partial(self._ended, local))
        return local

    def _ended(self, local: LocalEvent, _: asyncio.Task[None]) -> None:
        """An actor of ours was deposed, or gave its event up."""
        event = local.actor.event
        if self.neighbours is None or self._stopping or local.actor.halted:
            return
        if self.active.get(event) is local:
            del self.active[event]
            self.neighbours.lost(event)


def _drawn(plan: EventPlan) -> str:
    """Return the name of an event's venue as it is drawn."""
    return f"{plan.venue_id} {plan.venue_revision}"


def _venue_of(plan: EventPlan) -> Venue:
    """Build a venue with its indexes, off the loop: a large one takes a while."""
    venue = Venue(plan.venue_map())
    venue.prepare()
    return venue


async def ask(
    local: ServedEvent,
    command: AnyCommand,
    user: str,
    organizer: bool,
    key: str | None,
    request_hash: bytes | None = None,
    origin: str | None = None,
    *,
    system: bool = False,
) -> Reply:
    """Give a command to an event and wait for the reply.

    `origin` stands for the network that it came from, where that is limited.
    `request_hash` stands for a keyed request whose command is made from the state it
    finds, so that the same request again is a replay though its command differs.
    `system` is for the shop alone, which asks in the name of a user.
    """
    answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def reply(_: Envelope, outcome: Reply) -> None:
        if not answer.done():
            answer.set_result(outcome)

    command.key = key
    envelope = envelope_of(
        command, user, organizer, reply, origin=origin, system=system
    )
    if key is not None and request_hash is not None:
        envelope.request_hash = request_hash
    local.offer(envelope)
    return await answer


REGISTRY: Final = web.AppKey("registry", EventRegistry)


JOURNAL: Final = web.AppKey("journal", PostgresJournal)


CATALOG: Final = web.AppKey("catalog", Catalog)
