"""Which events this process owns, and how a command finds its actor.

An event's actor starts with the first use of the event, and shortly before a scheduled
sale opens. In one process every event is ours.
"""

import asyncio
from functools import partial

import structlog

from inventory.actor import EventActor
from inventory.commands import AnyCommand
from inventory.ports import Clock, Envelope, Ids, Journal, Observer
from inventory.replies import Reply
from inventory.venue.map import Venue
from persistence.catalog import Catalog, EventPlan
from persistence.errors import Unavailable
from server import limits
from server.envelopes import envelope_of
from server.realtime.board import Board
from server.realtime.hub import EventHub, Hub

log = structlog.get_logger()


class EventNotFound(Exception):
    """There is no such event."""


class EventUnavailable(Exception):
    """The event cannot be served just now; nothing happened."""


class LocalEvent:
    """An event that this process owns: its actor, its watchers, its board."""

    def __init__(self, actor: EventActor, hub: EventHub) -> None:
        self.actor = actor
        self.hub = hub
        self.offer = actor.offer

    @property
    def board(self) -> Board:
        """Return the committed board."""
        return self.hub.board


class Shards:
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
        self.active: dict[str, LocalEvent] = {}
        self._catalog = catalog
        self._journal = journal
        self._hub = hub
        self._clock = clock
        self._ids = ids
        self._observer = observer
        self._loading: dict[str, asyncio.Task[LocalEvent]] = {}
        self._places = asyncio.Semaphore(limits.EVENTS_LOADING_MAX)
        self._venues: dict[str, Venue] = {}
        self._stopping = False

    async def find(self, event: str) -> LocalEvent:
        """Return an event, loaded on first use.

        Raises `EventNotFound` and `EventUnavailable`.
        """
        local = self.active.get(event)
        if local is not None:
            return local
        if self._stopping:
            raise EventUnavailable
        task = self._loading.get(event)
        if task is None:
            task = asyncio.create_task(self._load(event), name=f"load {event}")
            self._loading[event] = task
            task.add_done_callback(partial(self._loaded, event))
        # One impatient caller must not end the loading for the others.
        await asyncio.wait([task], timeout=limits.LOAD_S_MAX)
        if not task.done() or task.cancelled():
            raise EventUnavailable
        return task.result()

    def mailbox_depth(self) -> int:
        """Count the commands that wait in all mailboxes."""
        return sum(len(local.actor.mailbox) for local in self.active.values())

    async def run(self) -> None:
        """Start the actors of scheduled sales in time; they open by themselves."""
        while True:
            try:
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
        await asyncio.gather(
            *(local.actor.stop(patience_s) for local in self.active.values())
        )

    def _loaded(self, event: str, task: asyncio.Task[LocalEvent]) -> None:
        self._loading.pop(event, None)
        if not task.cancelled():
            # Looked at here, because all who asked may be gone by now.
            task.exception()

    async def _load(self, event: str) -> LocalEvent:
        async with self._places:
            try:
                plan = await self._catalog.find_plan(event)
            except Unavailable as error:
                raise EventUnavailable from error
            if plan is None:
                raise EventNotFound
            venue = self._venues.get(plan.venue_id)
            if venue is None:
                venue = await asyncio.to_thread(_venue_of, plan)
                self._remember(plan.venue_id, venue)
            hub = self._hub.add_event(event, venue, plan.first_settings)
            actor = EventActor(
                event,
                venue,
                plan.first_settings,
                journal=self._journal,
                publisher=hub,
                clock=self._clock,
                ids=self._ids,
                observer=self._observer,
            )
            local = LocalEvent(actor, hub)
            try:
                await actor.ready
            except Exception as error:
                raise EventUnavailable from error
            if self._stopping:
                await actor.stop(limits.STOP_S_MAX)
                raise EventUnavailable
            self.active[event] = local
            return local

    def _remember(self, name: str, venue: Venue) -> None:
        """Keep a few venues: many events take place in one."""
        self._venues[name] = venue
        if len(self._venues) > limits.VENUES_REMEMBERED_MAX:
            del self._venues[next(iter(self._venues))]


def _venue_of(plan: EventPlan) -> Venue:
    """Build a venue with its indexes, off the loop: a large one takes a while."""
    return Venue(plan.venue_map())


async def ask(
    local: LocalEvent,
    command: AnyCommand,
    user: str,
    organizer: bool,
    key: str | None,
    request_hash: bytes | None = None,
) -> Reply:
    """Give a command to an event and wait for the reply.

    `request_hash` stands for a keyed request whose command is made from the state it
    finds, so that the same request again is a replay though its command differs.
    """
    answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def reply(_: Envelope, outcome: Reply) -> None:
        if not answer.done():
            answer.set_result(outcome)

    command.key = key
    envelope = envelope_of(command, user, organizer, reply)
    if key is not None and request_hash is not None:
        envelope.request_hash = request_hash
    local.offer(envelope)
    return await answer
