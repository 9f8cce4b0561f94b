"""This process among the others of its cluster.

Purpose: find out who owns an event, serve it through its owner, take what a dead one
left, and hand events over. Postgres decides who owns; the bus carries everything else
and may lose any of it.

Concurrency: one loop. What comes from the bus is dealt with at once; whatever has to
wait (looking for an owner, loading, handing over) runs in a task of its own.

Implements `server.live.actors.registry.Neighbours` and `Peers`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from inventory.ports import Envelope, Publisher
from inventory.replies import refuse
from persistence.errors import Unavailable
from persistence.journal.journal import PostgresJournal
from persistence.limits import SEEN_S_MAX
from server.base import limits
from server.base.metrics import Metrics
from server.base.settings import ConfigError
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    LocalEvent,
    ServedEvent,
)
from server.live.cluster.counts import count_cluster
from server.live.cluster.follower import Followed, Follower
from server.live.cluster.forwarder import Forwarder, Waiting
from server.live.cluster.membership.members import Members
from server.live.cluster.messages import (
    ALL,
    Answers,
    Commands,
    Elsewhere,
    Gone,
    Handed,
    Move,
    Parted,
    Parting,
    Rates,
    State,
    Take,
    WantRates,
    WantState,
    decode,
    encode,
    process_topic,
)
from server.live.cluster.owner import OwnerEndpoint
from server.live.fanout.hub import EventHub
from server.transport.bus.bus import Bus

log = structlog.get_logger()


class RemoteEvent(ServedEvent):
    """An event that another process owns, whoever that is at the moment."""

    def __init__(
        self,
        hub: EventHub,
        followed: Followed,
        forwarder: Forwarder,
        members: Members,
    ) -> None:
        super().__init__(hub, self._forward)
        self._followed = followed
        self._forwarder = forwarder
        self._members = members

    @property
    def used(self) -> bool:
        """Return whether it was used since the last look."""
        return self._followed.used

    @used.setter
    def used(self, used: bool) -> None:
        self._followed.used = used

    @property
    def elsewhere(self) -> str:  # type: ignore[override]
        """Return the process that owns it."""
        return self._followed.owner

    @property
    def address(self) -> str | None:  # type: ignore[override]
        """Return where clients reach it directly, where that is so."""
        return self._members.address(self._followed.owner)

    def _forward(self, envelope: Envelope) -> None:
        self._followed.used = True
        self._forwarder.send(self._followed.owner, envelope)


class Cluster:
    """What this process knows of the others, and says to them."""

    def __init__(
        self,
        bus: Bus,
        journal: PostgresJournal,
        registry: EventRegistry,
        members: Members,
    ) -> None:
        self.me = members.me
        self.bus = bus
        self.foreign = 0
        """Messages on our topics that could not be read."""
        self.members = members
        self.endpoint = OwnerEndpoint(bus, self.me, registry, self.take)
        self.forwarder = Forwarder(bus, self.me, self._misdirected)
        self.follower = Follower(bus, self.me, self._look_again, self._idle)
        self._journal = journal
        self._registry = registry
        self._loop = asyncio.get_running_loop()
        self._taking: dict[str, asyncio.Task[LocalEvent | None]] = {}
        """Events that others have asked us to own."""
        self._rates: asyncio.Queue[Rates] = asyncio.Queue()
        self._handed: dict[str, tuple[str, float]] = {}
        """To whom events were given, and until when nobody else should own them."""
        self._tasks: set[asyncio.Task[object]] = set()
        self._parting: set[str] = set()
        """Who may still send us commands while we leave."""
        self._all_parted = asyncio.Event()
        self._handlers: dict[type, Callable[[Any], None]] = {
            Commands: self.endpoint.take,
            Answers: self.forwarder.answered,
            State: self.follower.take_state,
            WantState: self.endpoint.tell_state,
            Elsewhere: self._told_elsewhere,
            Take: self._told_to_take,
            Handed: lambda message: self._expect(message.events, message.process),
            Move: self._told_to_move,
            Gone: self._told_gone,
            Parting: self._told_parting,
            Parted: self._told_parted,
            WantRates: self.endpoint.tell_rates,
            Rates: lambda message: self._rates.put_nowait(message),
        }
        registry.neighbours = self
        members.on_gone = self._gone
        bus.subscribe(process_topic(self.me), self._hear, _nothing)
        bus.subscribe(ALL, self._hear, _nothing)

    async def run(self) -> None:
        """Once a second: beats to followers, and an end to what waits for too long.

        What is watched here is looked for until somebody serves it.
        """
        while True:
            self.endpoint.beat()
            self.forwarder.sweep()
            self.follower.sweep()
            for event in list(self._handed):
                self._heir(event)
            for event in self._registry.unserved():
                self._spawn(self._find(event))
            await asyncio.sleep(1.0)

    # What the registry asks: `server.live.actors.registry.Neighbours`.

    async def owner_of(self, event: str) -> str | None:
        """Return the process to ask about an event; None where it is for us to own."""
        try:
            heads = await self._journal.heads([event])
        except Unavailable as error:
            raise EventUnavailable from error
        if not heads:
            raise EventNotFound
        owner = heads[0].address
        if owner is not None and owner != self.me:
            if owner not in self.members.live:
                raise EventUnavailable  # dead, it seems, but its lease is not over
            return owner
        if owner == self.me:
            return None
        chosen = self._heir(event)
        if chosen is None and event in self._taking:
            return None
        chosen = chosen or self.members.choose(event)
        if chosen is None:
            raise EventUnavailable
        return None if chosen == self.me else chosen

    async def serve_through(self, owner: str, hub: EventHub) -> ServedEvent:
        """Serve an event through its owner, its board up to date."""
        one = self.follower.follow(owner, hub)
        await asyncio.wait([one.ready], timeout=limits.OWNER_SILENT_S)
        # Who stood still for long may have left it meanwhile, as what nobody uses.
        kept = self.follower.followed.get(hub.board.event) is one
        if not kept or not one.ready.done() or one.ready.cancelled():
            raise EventUnavailable
        return RemoteEvent(hub, one, self.forwarder, self.members)

    def publisher_for(self, hub: EventHub) -> Publisher:
        """Return what an actor of ours publishes to."""
        self.follower.leave(hub.board.event)
        return self.endpoint.broadcast(hub)

    def lost(self, event: str) -> None:
        """An event of ours is not ours any more: serve it through whoever has it."""
        self.endpoint.drop(event)
        self._spawn(self._find(event))

    def is_followed(self, event: str) -> bool:
        """Return whether another process may need an event of ours."""
        return self.endpoint.is_followed(event)

    def unloaded(self, event: str) -> None:
        """Own an event no more, and look for nobody who does."""
        self.endpoint.drop(event)

    async def see_that_all_hear(self) -> None:
        """See that every living process hears what we say on our Redis.

        Raises `ConfigError` where one does not: it has another. Whoever is just coming
        or going gets some time.
        """
        ends = self._loop.time() + SEEN_S_MAX + 2 * limits.MEMBERS_S
        while True:
            await self.members.look()
            deaf = [one for one in self.members.others() if not await self._heard(one)]
            if not deaf:
                return
            if self._loop.time() > ends:
                raise ConfigError(
                    f"The process {deaf[0]} serves from the same database and does not"
                    " hear what is said on this Redis: give both the same address"
                    " (--redis-url, REDIS_URL)."
                )
            await asyncio.sleep(limits.OWNER_POLL_S)

    async def _heard(self, process: str) -> bool:
        """Say something to a process; False where surely nobody heard it."""
        sent: asyncio.Future[int | None] = self._loop.create_future()
        message = encode(WantRates(self.me))
        said = self.bus.publish(process_topic(process), message, sent.set_result)
        return said and await sent != 0

    # What people ask.

    async def rates(self) -> dict[str, float]:
        """Return the commits per second of each event that some process owns.

        Those of processes that do not answer soon are missing.
        """
        asked = self.members.others()
        rates = dict(self.endpoint.rates())
        self._rates = answers = asyncio.Queue[Rates]()
        for process in asked:
            self.bus.publish(process_topic(process), encode(WantRates(self.me)))
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.RATES_S_MAX):
                for _ in asked:
                    rates.update((await answers.get()).rates)
        return rates

    def count_in(self, metrics: Metrics) -> None:
        """Show what is counted here."""
        count_cluster(self, metrics)

    async def move(self, event: str, to: str) -> bool:
        """Let an event be given to a process; False where that cannot be said.

        Raises `EventNotFound` and `EventUnavailable`.
        """
        owner = await self.owner_of(event) or self.me
        if owner == to:
            return True
        if owner == self.me:
            if isinstance(self._registry.active.get(event), LocalEvent):
                self._spawn(self.hand_over(event, to))
                return True
            return self.bus.publish(process_topic(to), encode(Take([event])))
        return self.bus.publish(process_topic(owner), encode(Move(event, to)))

    # What the bus brings.

    def _hear(self, data: bytes) -> None:
        try:
            message = decode(data)
        except msgspec.DecodeError as error:
            self.foreign += 1
            log.warning("a message that cannot be read", error=str(error))
            return
        handler = self._handlers.get(type(message))
        if handler is None:
            self.foreign += 1
        else:
            handler(message)

    def _told_elsewhere(self, message: Elsewhere) -> None:
        self._elsewhere(message.event, message.sender)

    def _told_to_take(self, message: Take) -> None:
        for event in message.events:
            self._handed.pop(event, None)
            self._spawn(self.take(event))

    def _told_to_move(self, message: Move) -> None:
        self._spawn(self._move_on(message.event, message.process))

    def _told_gone(self, message: Gone) -> None:
        self.members.forget(message.process)
        self.take_share(message.events)

    def _told_parting(self, message: Parting) -> None:
        if message.sender != self.me:
            # What we send it stays in order: this comes after the last command.
            self.forwarder.close(message.sender)
            self.bus.publish(process_topic(message.sender), encode(Parted(self.me)))

    def _told_parted(self, message: Parted) -> None:
        self._parting.discard(message.sender)
        if not self._parting:
            self._all_parted.set()

    def _gone(self, process: str) -> None:
        """A process is not there any more."""
        log.info("a process is gone", process=process)
        self.forwarder.gone(process)
        self.endpoint.forget(process)
        for event in list(self.follower.followed):
            self._elsewhere(event, process)

    def take_share(self, events: list[str]) -> None:
        """Own those of some ownerless events that are for us to own."""
        for event in events:
            if self.members.choose(event) == self.me:
                self._spawn(self.take(event))

    def _elsewhere(self, event: str, sender: str) -> None:
        one = self.follower.followed.get(event)
        if one is not None and one.owner == sender:
            self._look_again(event)

    def _idle(self, event: str) -> None:
        """Nobody here needs an event that we follow."""
        self._registry.forget(event)
        self.follower.leave(event)

    def _look_again(self, event: str) -> None:
        """Look for the owner of an event that we serve through somebody."""
        if self._registry.let_go(event):
            self._spawn(self._find(event))

    def _misdirected(self, sent: Waiting) -> None:
        """A command found no owner where we sent it: nothing happened."""
        if sent.tries > limits.FORWARD_TRIES_MAX or self.bus.status == "down":
            sent.envelope.reply(sent.envelope, refuse("unavailable"))
        else:
            self._spawn(self._forward_again(sent))

    async def _forward_again(self, sent: Waiting) -> None:
        envelope = sent.envelope
        event = envelope.command.event
        self._elsewhere(event, sent.owner)
        try:
            async with asyncio.timeout_at(sent.ends):
                served = await self._registry.find(event)
        except EventNotFound:
            envelope.reply(envelope, refuse("event_not_found"))
            return
        except (EventUnavailable, TimeoutError):
            envelope.reply(envelope, refuse("unavailable"))
            return
        one = self.follower.followed.get(event)
        if isinstance(served, LocalEvent) or one is None:
            served.offer(envelope)
        else:
            self.forwarder.send(one.owner, envelope, sent)

    # Taking and giving.

    async def take(self, event: str) -> LocalEvent | None:
        """Own an event because another process asks us to; None where we may not."""
        taking = self._taking.get(event)
        if taking is None:
            taking = self._loop.create_task(self._take(event), name=f"take {event}")
            self._taking[event] = taking
            taking.add_done_callback(lambda _: self._taking.pop(event))
        return await asyncio.shield(taking)

    async def _take(self, event: str) -> LocalEvent | None:
        try:
            if await self.owner_of(event) is not None:
                return None
            if self._registry.let_go(event):
                # Whoever waits for its former owner need not wait longer.
                self.follower.leave(event)
            served = await self._registry.find(event)
        except (EventNotFound, EventUnavailable):
            return None
        return served if isinstance(served, LocalEvent) else None

    async def _find(self, event: str) -> None:
        """Look for whoever serves an event now; who needs it later asks again."""
        with suppress(EventNotFound, EventUnavailable):
            await self._registry.find(event)

    async def _move_on(self, event: str, to: str) -> None:
        """Give an event to another process, though we may not have it quite yet."""
        if await self.take(event) is not None:
            await self.hand_over(event, to)

    def _expect(self, events: list[str], owner: str) -> None:
        """Leave events to a process that is about to own them."""
        ends = self._loop.time() + limits.LOAD_S_MAX
        for event in events:
            self._handed[event] = owner, ends

    def _heir(self, event: str) -> str | None:
        """Return the process that an event was given to just now, while it lives."""
        owner, ends = self._handed.get(event, ("", 0.0))
        if ends > self._loop.time() and owner in self.members.live:
            return owner
        self._handed.pop(event, None)
        return None

    async def hand_over(self, event: str, to: str) -> None:
        """Give an event of ours to another process, while it sells."""
        if to == self.me or to not in self.members.live:
            return
        if not isinstance(self._registry.active.get(event), LocalEvent):
            return
        # Before it has no owner: what comes in between, to us or to others, must not
        # make somebody else take it.
        self._expect([event], to)
        self.bus.publish(ALL, encode(Handed(to, [event])))
        await self._registry.give_up(event)
        self.bus.publish(process_topic(to), encode(Take([event])))

    async def leave(self, within_s: float) -> None:
        """Give all events to others, as far as time permits."""
        members = self.members
        members.leaving = True
        await members.look()
        moves = [
            asyncio.create_task(self.hand_over(event, to), name=f"hand over {event}")
            for event in [local.actor.event for local in self._registry.owned()]
            if (to := members.choose(event)) is not None
        ]
        if moves:
            await asyncio.wait(moves, timeout=within_s)

    async def close(self) -> None:
        """Be gone, once all who asked us for something were answered."""
        self.endpoint.closing = True
        self._parting = set(self.members.others())
        if self._parting and self.bus.publish(ALL, encode(Parting(self.me))):
            with suppress(TimeoutError):
                async with asyncio.timeout(limits.BUS_CLOSE_S_MAX):
                    await self._all_parted.wait()
        self.bus.publish(ALL, encode(Gone(self.me, [])))
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Let something happen that has to wait; it ends by itself."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _nothing() -> None:
    """Commands carry deadlines: nothing need be done where some were lost."""
