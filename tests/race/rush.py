"""A rush on one event: many clients, retries, and a judge who believes the journal."""

import asyncio
import random
from collections import deque
from typing import Any

from msgspec import msgpack

from inventory.actor import EventActor
from inventory.batch import BatchBuilder
from inventory.changes import BookingCancelled, HoldBooked
from inventory.commands import AnyCommand
from inventory.decide import decide
from inventory.drain import Drain
from inventory.keys import KeyMemory
from inventory.loading import decode_changes
from inventory.ports import (
    Batch,
    CommitStatus,
    Envelope,
    Journal,
    Ownership,
    Publication,
)
from inventory.records import BOOKED
from inventory.replies import BookOk, HoldOk, Refused, Reply
from inventory.rules.common import Request
from inventory.state import Stock
from inventory.venue.finder import SeatFinder
from tests.scenario import EVENT, hall, parse

VENUE = hall("A 11111111", "B 11111111", areas={"GA": (10, "1")})
RETRIES_MAX = 50
RETRY = {"unavailable", "outcome_unknown", "overloaded"}


class Client:
    """A buyer who picks seats, books them, and retries with the same key."""

    def __init__(self, actors: list[EventActor], name: str, seed: int) -> None:
        self.actors = actors
        self.name = name
        self.dice = random.Random(seed)
        self.keys = 0
        self.booked: list[BookOk] = []

    async def ask(self, text: str) -> Any:
        """Ask until there is a clear answer; whoever owns the event may give it."""
        self.keys += 1
        key = f"{self.name}-{self.keys}"
        reply: Any = None
        for attempt in range(RETRIES_MAX):
            reply = await self.send(parse(text), key, self.dice.choice(self.actors))
            if not isinstance(reply, Refused) or reply.code not in RETRY:
                return reply
            await asyncio.sleep(0.001 * attempt)
        return reply

    async def send(self, command: AnyCommand, key: str, actor: EventActor) -> Reply:
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def reply(_: Envelope, outcome: Reply) -> None:
            answer.set_result(outcome)

        request_hash = msgpack.encode(command)
        actor.offer(Envelope(command, self.name, False, reply, key, request_hash))
        return await answer

    async def buy(self, rounds: int) -> None:
        for _ in range(rounds):
            wanted = self.dice.sample(VENUE.labels, 2)
            places = f"hold {' '.join(wanted)} GA*1"
            held = await self.ask(self.dice.choice([places, "hold " + wanted[0]]))
            if isinstance(held, HoldOk):
                booked = await self.ask(f"book {held.hold}")
                if isinstance(booked, BookOk):
                    self.booked.append(booked)


async def rush(
    *actors: EventActor, clients: int = 30, rounds: int = 4, seed: int = 1
) -> list[BookOk]:
    """Let many clients buy at once; return every booking that was acknowledged."""
    buyers = [Client(list(actors), f"buyer {n}", seed + n) for n in range(clients)]
    await asyncio.gather(*(buyer.buy(rounds) for buyer in buyers))
    return [booked for buyer in buyers for booked in buyer.booked]


class Verdict:
    """What became of the acknowledged bookings, by the journal alone."""

    def __init__(self, acknowledged: list[BookOk], journaled: set[str]) -> None:
        seats = [seat for booked in acknowledged for seat in booked.seats]
        places = sum(booked.areas.get("GA", 0) for booked in acknowledged)
        self.acknowledged = len(acknowledged)
        self.sold_twice = len(seats) - len(set(seats))
        self.places_too_many = max(0, places - VENUE.areas[0].capacity)
        self.lost = len({booked.booking for booked in acknowledged} - journaled)

    @property
    def good(self) -> bool:
        return not (self.sold_twice or self.places_too_many or self.lost)


async def judge(journal: Journal, acknowledged: list[BookOk]) -> Verdict:
    journaled: set[str] = set()
    for row in await journal.load_rows(EVENT, 0, 1_000_000):
        for change in decode_changes(row.body):
            if isinstance(change, HoldBooked):
                journaled.add(change.booking)
            elif isinstance(change, BookingCancelled):
                journaled.discard(change.booking)
    return Verdict(acknowledged, journaled)


# Sabotage: each does what a plausible shortcut would.


class StaleDrain(Drain):
    """Decides a whole batch against the state before it, as two threads would."""

    def mailbox(
        self,
        builder: BatchBuilder,
        mailbox: deque[Envelope],
        keys: KeyMemory,
        now_ms: int,
        count: int,
    ) -> None:
        decided = []
        for _ in range(count):
            envelope = mailbox.popleft()
            request = Request(
                builder.stock, envelope.user, envelope.organizer, now_ms, self._ids
            )
            decided.append((envelope, decide(envelope.command, request)))
        for envelope, (change, reply) in decided:
            builder.prepared.append((envelope, reply))
            if change is not None:
                builder.add(change, now_ms)


class SingleStaleDrain(Drain):
    """Decides one command at a time against the state of long ago.

    Within one batch nothing is sold twice, so that only the tables can tell.
    """

    def mailbox(
        self,
        builder: BatchBuilder,
        mailbox: deque[Envelope],
        keys: KeyMemory,
        now_ms: int,
        count: int,
    ) -> None:
        super().mailbox(builder, mailbox, keys, now_ms, min(count, 1))
        builder.stock.letters[:] = b"f" * len(builder.stock.letters)


class StaleActor(EventActor):
    """Decides as `StaleDrain` does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._drain = StaleDrain(self.event, self.clock, self.ids)


class SingleStaleActor(EventActor):
    """Decides as `SingleStaleDrain` does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._drain = SingleStaleDrain(self.event, self.clock, self.ids)


class HastyActor(EventActor):
    """Answers before the commit."""

    async def _finish(self, builder: BatchBuilder, now_ms: int) -> None:
        for envelope, reply in builder.prepared:
            envelope.reply(envelope, reply)
        builder.prepared = []
        await super()._finish(builder, now_ms)


class TrustingActor(EventActor):
    """Takes a doubtful commit for a good one, where ours asks by a fence."""

    async def _resolve(
        self,
        ownership: Ownership,
        batch: Batch,
        builder: BatchBuilder,
        publication: Publication,
        status: CommitStatus,
    ) -> None:
        self._answer_open(builder)


def take_without_looking(monkeypatch: Any) -> None:
    """Let a batch take what is not free."""

    def move(stock: Stock, seats: list[int], old: int, new: int) -> None:
        for seat in seats:
            # Else the careless would stumble over each other's bookings.
            if stock.letters[seat] != BOOKED:
                stock.letters[seat] = new
        stock.touched_seats.extend(seats)

    def count(stock: Stock, areas: dict[int, int], old: str, new: str) -> None:
        stock.touched_areas.update(areas)

    def sell(builder: BatchBuilder, seats: list[int], booking: str) -> None:
        builder._sold.update(dict.fromkeys(seats, booking))

    monkeypatch.setattr(BatchBuilder, "_sell", sell)
    monkeypatch.setattr(Stock, "_move", move)
    monkeypatch.setattr(Stock, "_count", count)
    monkeypatch.setattr(SeatFinder, "take", lambda finder, seats: None)
    monkeypatch.setattr(SeatFinder, "free", lambda finder, seats: None)
