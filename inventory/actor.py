"""The actor that owns one event's stock.

Purpose: serialise the commands of one event: drain what is waiting, decide and apply
each in order, commit the batch, then answer and publish.

Concurrency: one task per event, one batch in flight. `offer` may be called from the
same loop at any time; it never waits. Nothing is answered, refusals included, before
the state that it observed is durable. There is no timer: what queued during one commit
is the next batch.

Invariants: memory is never more than one batch ahead of the journal; every envelope
offered is answered exactly once; after any commit that is not a clean success the actor
fences itself, learns what became of the batch, drops its memory and loads it again.
There is no rollback.

Imports: `inventory` only; what is outside comes through the ports.
"""

import asyncio
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from inventory import limits
from inventory.alarm import Alarm
from inventory.batch import BatchBuilder
from inventory.commands import AnyCommand, ExpireHold, KeepHolds, KeepTurns
from inventory.drain import Drain
from inventory.event_time import EventTime
from inventory.keys import KeyMemory
from inventory.loading import Deposed, Loaded, SnapshotWriter, board_state, load
from inventory.ports import (
    Batch,
    Clock,
    CommitStatus,
    Envelope,
    Ids,
    Journal,
    Observer,
    Ownership,
    Publication,
    Publisher,
)
from inventory.records import Corrupt
from inventory.refusal_timer import RefusalTimer
from inventory.replies import Refused, refuse
from inventory.rules import sale
from inventory.rules.line_after import line_due, line_due_ms
from inventory.settings import Settings
from inventory.state import Stock
from inventory.tally import Tally
from inventory.venue.map import Venue

if TYPE_CHECKING:
    from inventory.rejections import Code


class EventActor:
    """Owns the stock of one event; see the module for the rules it keeps.

    Where another process has the event, a `patient` actor waits until that one is gone;
    any other ends. `task` lasts as long as the actor; `halted` tells that it stopped
    because what it read contradicts itself.
    """

    def __init__(
        self,
        event: str,
        venue: Venue,
        first_settings: Settings,
        *,
        journal: Journal,
        publisher: Publisher,
        clock: Clock,
        ids: Ids,
        observer: Observer,
        patient: bool = True,
    ) -> None:
        self.event = event
        self.venue = venue
        self.first_settings = first_settings
        self.journal = journal
        self.publisher = publisher
        self.clock = clock
        self.ids = ids
        self.observer = observer
        self.patient = patient
        self.mailbox: deque[Envelope] = deque()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._state: Loaded | None = None
        self._held: Ownership | None = None
        self._open: BatchBuilder | None = None
        self._keys = KeyMemory(complete=False)
        self._drain = Drain(event, clock, ids)
        self._confirmed_at = 0.0
        self._time = EventTime(clock)
        self._snapshots = SnapshotWriter(journal, observer)
        self._patience = RefusalTimer(self._refuse_waiting)
        self._alarm = Alarm()
        self._stopping = False
        self.halted = False
        self.used = True
        """Set with each batch of commands; for whoever unloads what nobody uses."""
        self.seats_missed = 0
        """How often somebody asked for a seat that another has."""
        self.tally = Tally()
        self.task = asyncio.create_task(self._run(), name=f"actor {event}")

    def offer(self, envelope: Envelope) -> None:
        """Take a command; it is answered through its envelope, now or later."""
        if self._stopping or self.halted:
            self._answer(envelope, refuse("unavailable"))
        elif len(self.mailbox) >= limits.MAILBOX_COMMANDS_MAX:
            self._answer(envelope, refuse("overloaded"))
        else:
            self.mailbox.append(envelope)
            self._alarm.wake()

    @property
    def stock(self) -> Stock | None:
        """Return what is there, one batch ahead of the journal at most: to look at."""
        state = self._state
        return None if state is None else state.stock

    def is_idle(self, until_ms: int) -> bool:
        """Return whether nothing waits, is held, or is due by itself until then."""
        state = self._state
        if state is None or self._open is not None or self.mailbox:
            return False
        due_ms = self._next_due_ms()
        return not state.stock.holds and (due_ms is None or due_ms > until_ms)

    async def stop(self, patience_s: float) -> None:
        """Answer what is waiting, then give the event up; within `patience_s`."""
        self._stopping = True
        self._alarm.wake()
        await asyncio.wait([self.task], timeout=patience_s)
        self.task.cancel()
        await asyncio.wait([self.task])
        self._patience.end()
        self._abandon()
        self._give_up(Deposed())

    async def _run(self) -> None:
        """Load, serve; after any doubt load again. Ends when stopped or halted."""
        pause = limits.RELOAD_PAUSE_S
        while not self.halted:
            try:
                if self._state is None:
                    self._patience.begin()
                    if self._stopping or not await self._load():
                        break
                    pause = limits.RELOAD_PAUSE_S
                    if self._state is None:
                        continue  # The recovery itself is in doubt: all wait on.
                    self._patience.end()
                if not await self._turn():
                    break
            except Deposed:
                self._held = None
                self._abandon()
                self._stopping = self._stopping or not self.patient
            except Corrupt as error:
                self._halt(error)
            except Exception as error:
                # A bug or a driver's surprise: the journal is the truth, so start over
                # from it, but not in a hot loop.
                self.observer.failed(self.event, error)
                self._abandon()
                await asyncio.sleep(pause)
                pause = min(2 * pause, limits.RELOAD_PAUSE_S_MAX)
        await self._leave()

    async def _load(self) -> bool:
        """Become the owner, then read the state; False when stopped before that.

        Ownership is committed before anything is read. What is ours already is taken
        again by a fence, which also ends every write that is still on its way.
        """
        ownership = None
        while ownership is None:
            if self._stopping:
                return False
            ownership = await self._own()
        self._confirmed_at = self.clock.monotonic()
        self._held = ownership
        state = await load(self.journal, ownership, self.venue, self.first_settings)
        stock = state.stock
        self._keys = KeyMemory(complete=ownership.version == 0)
        self._drain.go_on(stock)
        self._state = state
        self._time.begin(stock.at_ms)
        self.publisher.reset(board_state(ownership, stock))
        builder, now_ms = self._begin()
        kept_ms = now_ms + limits.HOLD_GRACE_MS
        keep = KeepHolds(id=0, event=self.event, until_ms=kept_ms)
        self._drain.own(builder, keep, now_ms)
        if stock.line is not None:
            kept_ms = now_ms + limits.TURN_KEPT_MS
            turns = KeepTurns(id=0, event=self.event, until_ms=kept_ms)
            self._drain.own(builder, turns, now_ms)
        await self._finish(builder, now_ms)
        if not self.ready.done():
            self.ready.set_result(None)
        return True

    async def _own(self) -> Ownership | None:
        """Try to become the owner; refuse what waits when another one is."""
        sent_at = self.clock.monotonic()
        if self._held is not None:
            fenced = await self.journal.fence(self._held, self.ids.token())
            if fenced is not None:
                return fenced.ownership
            self._held = None
        ownership = await self.journal.acquire(self.event)
        if ownership is None and not self.patient:
            raise Deposed
        if ownership is None:
            self._refuse_waiting()
            waited = self.clock.monotonic() - sent_at
            await asyncio.sleep(max(0.0, limits.RELOAD_PAUSE_S - waited))
        return ownership

    async def _turn(self) -> bool:
        """Do one batch, or wait for one; False when there is nothing more to do."""
        state = self._state
        if state is None:
            return True
        due_ms = self._next_due_ms()
        own = []
        if due_ms is not None and due_ms <= self._now_ms():
            own = self._due()
        if not own and not self.mailbox and not self._drain.owed:
            if self._stopping:
                return False
            if not await self._confirm(limits.RENEW_AFTER_S):
                await self._sleep(due_ms)
            return True
        self._keys.trim()
        count = min(len(self.mailbox), limits.BATCH_COMMANDS_MAX)
        if not self._keys.complete:
            await self._fetch_missing_keys(count)
        builder, now_ms = self._begin()
        self._drain.due(builder, own, now_ms)
        self._drain.mailbox(builder, self.mailbox, self._keys, now_ms, count)
        self.used = True
        await self._finish(builder, now_ms)
        return True

    def _begin(self) -> tuple[BatchBuilder, int]:
        self._open = BatchBuilder(self._loaded().stock)
        self._drain.begin()
        return self._open, self._now_ms()

    def _now_ms(self) -> int:
        """Return the event's time."""
        return self._time.now_ms(self._loaded().stock.at_ms)

    def _loaded(self) -> Loaded:
        if self._state is None:
            raise AssertionError("asked before it was loaded")
        return self._state

    def _next_due_ms(self) -> int | None:
        """Return when the event must do something by itself next."""
        stock = self._loaded().stock
        times = [stock.next_deadline_ms()]
        steps = sale.steps(stock.settings)
        if steps:
            times.append(steps[0][0])
        if stock.line is not None:
            times.append(line_due_ms(stock, stock.line))
        return min([one for one in times if one is not None], default=None)

    def _due(self) -> list[AnyCommand]:
        """Return what the event must do by itself now: expiries first."""
        stock = self._loaded().stock
        now_ms = self._now_ms()
        commands: list[AnyCommand] = [
            ExpireHold(id=0, event=self.event, hold=token)
            for token in stock.due_holds(now_ms, limits.EXPIRIES_PER_BATCH_MAX)
        ]
        for at_ms, step in sale.steps(stock.settings):
            if at_ms <= now_ms:
                commands.append(step(id=0, event=self.event))
        if stock.line is not None:
            commands += line_due(stock, stock.line, self.event, now_ms)
        return commands

    async def _fetch_missing_keys(self, count: int) -> None:
        """Ask the table for keys that the incomplete memory does not know.

        Of the first `count` waiting: what comes while we ask has not been looked up.
        """
        missing = self._keys.missing(islice(self.mailbox, count))
        if missing:
            for result in await self.journal.find_results(self.event, missing):
                self._keys.add(
                    result.user, result.key, result.request_hash, result.outcome
                )

    async def _finish(self, builder: BatchBuilder, now_ms: int) -> None:
        """Commit the batch, then answer and publish it."""
        state = self._loaded()
        ownership = state.ownership
        if not builder.changes:
            await self._confirm(limits.CONFIRM_AFTER_S)
            self._answer_open(builder)
            if self.mailbox:
                # No commit gave the loop a turn.
                await asyncio.sleep(0)
            return
        batch = builder.batch(ownership, self.ids.token(), now_ms)
        publication = builder.publication(ownership)
        sent_at = self.clock.monotonic()
        builder.sent = True
        status = await self.journal.commit(ownership, batch)
        if status is CommitStatus.COMMITTED:
            ownership.version, ownership.chain = batch.to, batch.chain
            self._confirmed_at = sent_at
            took = self.clock.monotonic() - sent_at
            self.observer.committed(len(builder.prepared), took)
            count, released = len(builder.prepared), builder.released
            self.tally.committed(count, took, publication, released)
            self._answer_open(builder)
            self.publisher.publish(publication)
            self._snapshots.store_when_due(state)
            return
        self._state = None
        self.observer.doubted(status)
        self._patience.begin(self.clock.monotonic() - sent_at)
        await self._resolve(ownership, batch, builder, publication, status)

    async def _confirm(self, after_s: float) -> bool:
        """Make sure that we still own the event after so long a silence.

        Returns whether it was so long: meanwhile anything may have come.
        """
        if self.clock.monotonic() - self._confirmed_at < after_s:
            return False
        ownership = self._loaded().ownership
        sent_at = self.clock.monotonic()
        status = await self.journal.confirm(ownership)
        if status is CommitStatus.COMMITTED:
            self._confirmed_at = sent_at
            return True
        self.observer.doubted(status)
        if status is CommitStatus.FENCED:
            raise Deposed
        # Perhaps it is still ours: the reload begins with a fence, which will tell.
        self._abandon()
        return True

    async def _resolve(
        self,
        ownership: Ownership,
        batch: Batch,
        builder: BatchBuilder,
        publication: Publication,
        status: CommitStatus,
    ) -> None:
        """Learn what became of a doubtful batch by fencing ourselves; never by looking.

        Callers wait for the truth for `RESOLVE_S_MAX`. The fence itself goes on until
        the database has answered: nothing may be loaded before.
        """
        if status is CommitStatus.FENCED:
            builder.sent = False
            raise Deposed
        fence = asyncio.create_task(
            self.journal.fence(ownership, self.ids.token()), name=f"fence {self.event}"
        )
        await asyncio.wait([fence], timeout=limits.RESOLVE_S_MAX)
        if not fence.done():
            self._abandon()
        found = await fence
        if found is None:
            builder.sent = status is CommitStatus.AMBIGUOUS
            raise Deposed
        self._held = found.ownership
        version = found.ownership.version
        if version == batch.to and found.batch_id == batch.batch_id:
            self._answer_open(builder)
            self.publisher.publish(publication)
        elif version == batch.base:
            builder.sent = False
            self._abandon()
        else:
            raise Corrupt(
                f"the head stands at {version} after a batch from {batch.base} to"
                f" {batch.to}"
            )

    def _answer_open(self, builder: BatchBuilder) -> None:
        """Answer what the batch prepared, once."""
        prepared, builder.prepared = builder.prepared, []
        self._open = None
        for envelope, reply in prepared:
            if type(reply) is Refused:
                self.observer.refused(reply.code)
                self.tally.refuse(reply.code)
                if reply.code == "seat_not_free":
                    self.seats_missed += 1
            envelope.reply(envelope, reply)

    def _answer(self, envelope: Envelope, refused: Refused) -> None:
        self.observer.refused(refused.code)
        self.tally.refuse(refused.code)
        envelope.reply(envelope, refused)

    def _abandon(self) -> None:
        """Drop memory, and refuse all who wait: nothing happened, or nobody knows."""
        self._state = None
        builder, self._open = self._open, None
        if builder is not None:
            prepared, builder.prepared = builder.prepared, []
            code: Code = "outcome_unknown" if builder.sent else "unavailable"
            for envelope, _ in prepared:
                self._answer(envelope, refuse(code))
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        while self.mailbox:
            self._answer(self.mailbox.popleft(), refuse("unavailable"))

    def _halt(self, error: Corrupt) -> None:
        """Stop for good: what we see contradicts itself, and a person must look."""
        self.halted = True
        self.observer.failed(self.event, error)
        self._abandon()
        self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Tell whoever waits for us to be ready that we will not be."""
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # Perhaps nobody waits.

    async def _leave(self) -> None:
        """Give the lease back, so that the next owner need not wait for it."""
        self._alarm.cancel()
        self._patience.end()
        self._give_up(Deposed())
        await self._snapshots.finish()
        if self._state is not None:
            due = self._state.stock.next_deadline_ms() is not None
            try:
                await self.journal.release(self._state.ownership, due=due)
            except Exception as error:
                # The lease ends by itself, only later.
                self.observer.failed(self.event, error)

    async def _sleep(self, due_ms: int | None) -> None:
        """Wait for a command, or until something is due: the lease, too."""
        silent_s = self.clock.monotonic() - self._confirmed_at
        delay_s = limits.RENEW_AFTER_S - silent_s
        if due_ms is not None:
            delay_s = min(delay_s, (due_ms - self._now_ms()) / 1_000)
        await self._alarm.sleep(delay_s)
