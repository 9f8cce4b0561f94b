"""Deciding one batch: what is due, what waits in the mailbox, and what follows of it.

All in memory and in order, each on the state that the ones before it left. Where an
event has a line, what a change frees is given to it before the next command is looked
at; what there was no time for comes first in the next batch.
"""

from collections import deque

from msgspec import msgpack

from inventory import limits
from inventory.batch import BatchBuilder
from inventory.changes import AnyChange, TurnGiven
from inventory.commands import AnyCommand, Because, GiveTurn
from inventory.decide import decide
from inventory.keys import KeyMemory, owner_of, replay
from inventory.ports import Clock, Envelope, Ids, KeyedResult
from inventory.replies import Reply
from inventory.rules.common import Request
from inventory.rules.line_after import (
    after,
    concerned,
    freed_by,
    turns_owed,
    turns_owed_at_first,
)
from inventory.state import Stock

encode = msgpack.Encoder().encode


class Drain:
    """Decides and applies commands to the batch that is open."""

    def __init__(self, event: str, clock: Clock, ids: Ids) -> None:
        self._event = event
        self._clock = clock
        self._ids = ids
        self._slice_ends = 0.0
        self._because: Because = "returned"
        self.owed = 0
        """Turns that may still be given of what was freed, before anything else."""

    def go_on(self, stock: Stock) -> None:
        """Owe what is owed in an event as it was loaded; nothing of before."""
        self.owed, self._because = turns_owed_at_first(stock)

    def begin(self) -> None:
        """Begin a batch: from now on the time of its slice runs."""
        self._slice_ends = self._clock.monotonic() + limits.DRAIN_MS_MAX / 1_000

    def is_late(self) -> bool:
        """Return whether the loop should turn for everyone else."""
        return self._clock.monotonic() > self._slice_ends

    def due(
        self, builder: BatchBuilder, commands: list[AnyCommand], now_ms: int
    ) -> None:
        """Decide what is due; what is freed goes to the line first."""
        if self.owed:
            self.serve(builder, now_ms)
        for command in commands:
            if self.owed:
                break
            self.own(builder, command, now_ms)

    def _is_enough(self, builder: BatchBuilder) -> bool:
        """Return whether the batch is to end here; it does something in any case."""
        return bool(builder.prepared or builder.changes) and self.is_late()

    def own(self, builder: BatchBuilder, command: AnyCommand, now_ms: int) -> None:
        """Decide what the event does by itself."""
        stock = builder.stock
        request = Request(stock, "", True, now_ms, self._ids, system=True)
        change, _ = decide(command, request)
        if change is None:
            return
        lined = stock.line is not None
        user = concerned(stock, change) if lined else ""
        freed = freed_by(stock, change) if lined else 0
        builder.add(change, now_ms)
        if stock.line is not None:
            self._follow(builder, command, change, user, freed, now_ms)

    def mailbox(
        self,
        builder: BatchBuilder,
        mailbox: deque[Envelope],
        keys: KeyMemory,
        now_ms: int,
        count: int,
    ) -> None:
        """Decide and apply the first `count` waiting, up to the limits of a batch.

        A command leaves the mailbox only when it is prepared: whatever goes wrong, it
        is in one place from which it will be answered.
        """
        stock = builder.stock
        prepared = builder.prepared
        size = 0
        request = Request(stock, "", False, now_ms, self._ids)
        while len(prepared) < count:
            if (
                size > limits.BATCH_BYTES_MAX
                or self.owed
                or (not len(prepared) & 31 and self._is_enough(builder))
            ):
                break
            envelope = mailbox[0]
            size += envelope.size
            command = envelope.command
            if envelope.key is not None:
                known = keys.get(owner_of(envelope), envelope.key)
                if known is not None:
                    answer = replay(command, envelope.request_hash, known, now_ms)
                    prepared.append((mailbox.popleft(), answer))
                    continue
            request.user = envelope.user
            request.organizer = envelope.organizer
            request.system = envelope.system
            request.origin = envelope.origin
            change, reply = decide(command, request)
            if change is not None:
                lined = stock.line is not None
                user = concerned(stock, change) if lined else ""
                freed = freed_by(stock, change) if lined else 0
                builder.add(change, now_ms)
                if envelope.key is not None:
                    _remember(builder, keys, envelope, reply)
                if stock.line is not None:
                    self._follow(builder, command, change, user, freed, now_ms)
            prepared.append((mailbox.popleft(), reply))

    def serve(self, builder: BatchBuilder, now_ms: int) -> None:
        """Give the turns that are owed, until nobody fits or time is up."""
        command = GiveTurn(id=0, event=self._event, because=self._because)
        request = Request(builder.stock, "", True, now_ms, self._ids, system=True)
        while self.owed:
            change, _ = decide(command, request)
            if change is None:
                self.owed = 0
                break
            builder.add(change, now_ms)
            if type(change) is TurnGiven:
                self.owed -= 1
            if self.is_late():
                break

    def _follow(
        self,
        builder: BatchBuilder,
        command: AnyCommand,
        change: AnyChange,
        user: str,
        freed: int,
        now_ms: int,
    ) -> None:
        """Do what a change brings with it, and give what it freed to the line."""
        stock = builder.stock
        for own in after(stock, command, change, user, now_ms):
            self.own(builder, own, now_ms)
        turns, because = turns_owed(stock, change, freed)
        if turns:
            most = max(turns, limits.LINE_RETURNED_MAX)
            self.owed, self._because = min(self.owed + turns, most), because
            self.serve(builder, now_ms)


def _remember(
    builder: BatchBuilder, keys: KeyMemory, envelope: Envelope, reply: Reply
) -> None:
    """Store an accepted outcome with the commit, and keep it in memory."""
    outcome = encode(reply)
    owner, key = owner_of(envelope), envelope.key or ""
    version = builder.stock.version
    builder.results.append(
        KeyedResult(owner, key, envelope.request_hash, version, outcome)
    )
    keys.add(owner, key, envelope.request_hash, outcome)
