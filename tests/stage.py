"""One event with its actor and the fakes around it, and how tests let time pass."""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import msgpack

from inventory.actor import EventActor
from inventory.commands import AnyCommand
from inventory.loading import load
from inventory.ports import Envelope
from inventory.replies import Reply
from inventory.settings import Settings
from inventory.state import Stock
from inventory.venue.map import Venue
from tests.fakes import Board, Head, ManualClock, MemoryJournal, Notes, NumberedIds
from tests.scenario import EVENT, ORGANIZER, parse

TURNS_MAX = 5_000


class Caller:
    """Somebody who asks and notes each answer, for one envelope exactly one."""

    def __init__(self) -> None:
        self.answers: dict[Envelope, Reply] = {}
        self.order: list[Envelope] = []
        self.asked: list[Envelope] = []

    def envelope(
        self, user: str, command: AnyCommand | str, key: str | None = None
    ) -> Envelope:
        """Wrap what somebody asks; `ann@n1` asks from a network that is limited.

        `for:ann` is the shop, which asks in her name.
        """
        if isinstance(command, str):
            command = parse(command)
        request_hash = msgpack.encode(command)
        user, _, origin = user.partition("@")
        system = user.startswith("for:")
        user = user.removeprefix("for:")
        made = Envelope(
            command,
            user,
            user == ORGANIZER and not system,
            self._note,
            key,
            request_hash,
            100,
            origin or None,
            system,
        )
        self.asked.append(made)
        return made

    def _note(self, envelope: Envelope, reply: Reply) -> None:
        assert envelope not in self.answers, "answered twice"
        self.answers[envelope] = reply
        self.order.append(envelope)


class Stage:
    """One event with its actor and all that is around it."""

    def __init__(self, venue: Venue, settings: Settings, journal: Any = None) -> None:
        self.venue = venue
        self.settings = settings
        self.clock = ManualClock()
        self.journal = journal or MemoryJournal(self.clock)
        if isinstance(self.journal, MemoryJournal) and journal is None:
            self.journal.add_event(EVENT, venue)
        self.ids = NumberedIds()
        self.board = Board()
        self.notes = Notes()
        self.caller = Caller()
        self.actor: EventActor | None = None

    @property
    def head(self) -> Head:
        head: Head = self.journal.heads[EVENT]
        return head

    def open(self, kind: type[EventActor] = EventActor) -> EventActor:
        """Start an actor (another one, where there was one before)."""
        self.actor = kind(
            EVENT,
            self.venue,
            self.settings,
            journal=self.journal,
            publisher=self.board,
            clock=self.clock,
            ids=self.ids,
            observer=self.notes,
        )
        return self.actor

    def send(
        self, user: str, command: AnyCommand | str, key: str | None = None
    ) -> Envelope:
        """Offer a command without waiting."""
        assert self.actor is not None
        envelope = self.caller.envelope(user, command, key)
        self.actor.offer(envelope)
        return envelope

    async def ask(
        self, user: str, command: AnyCommand | str, key: str | None = None
    ) -> Any:
        """Offer a command and wait for its answer."""
        envelope = self.send(user, command, key)
        await until(lambda: envelope in self.caller.answers)
        return self.caller.answers[envelope]

    async def ready(self) -> "Stage":
        """Wait until the actor has loaded."""
        assert self.actor is not None
        await self.actor.ready
        return self

    async def reopen(self) -> "Stage":
        """Stop the actor and go on with a new one."""
        await self.close()
        self.open()
        return await self.ready()

    async def close(self) -> None:
        """Stop the actor; claim what holds of every journal and every answer."""
        self.journal.open_gates()
        assert self.actor is not None
        await self.actor.stop(1.0)
        head = self.head
        assert [row.base for row in head.rows[1:]] == [row.to for row in head.rows[:-1]]
        assert head.epochs == sorted(head.epochs)
        assert set(self.caller.answers) == set(self.caller.asked), "nobody is forgotten"

    async def loaded(self) -> Stock:
        """What the journal alone gives."""
        ownership = self.journal.owned(EVENT)
        loaded = await load(self.journal, ownership, self.venue, self.settings)
        loaded.stock.check()
        return loaded.stock

    def code(self, envelope: Envelope) -> str | None:
        """What was answered: None for nothing yet, `ok`, or the code of a refusal."""
        reply = self.caller.answers.get(envelope)
        return None if reply is None else getattr(reply, "code", "ok")


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until it is so. Turns are counted, time is not."""
    for _ in range(TURNS_MAX):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


async def settle() -> None:
    """Let the loop turn until everybody who can go on has done so."""
    for _ in range(50):
        await asyncio.sleep(0)


async def soon(condition: Callable[[], object]) -> None:
    """Wait for what a timer of the actor's brings about."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the actor tells nobody
            await asyncio.sleep(0.001)


async def wake(stage: Stage) -> None:
    """Let the actor look at the clock again, which no real timer follows here."""
    await stage.ask("nobody", "holding")
