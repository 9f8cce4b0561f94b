"""Another process that takes an event over, uses it, and gives it up again.

It does what an actor does, in one instant: acquire, load, keep the holds, sell a little
and commit. Its clock differs from everybody's. Where the owner's lease was over it may
tell its client so: whatever the former owner says from then on is late.
"""

from typing import TYPE_CHECKING

from inventory import commands as c
from inventory import limits
from inventory.batch import BatchBuilder
from inventory.decide import decide
from inventory.loading import replay_row
from inventory.ports import CommitStatus, Ownership
from inventory.rules.common import Request
from inventory.state import Stock
from tests.simulation.process import CountedIds

if TYPE_CHECKING:
    from tests.simulation.world import World

AHEAD_MS = 900
"""How far its clock is ahead of the database's."""


class Rival:
    """Owns events now and then."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._ids = CountedIds("rival-")
        self.gone = False

    def usurp(self, event: str, seconds: float) -> None:
        """Take an event whose owner was silent for too long, if it was."""
        head = self._world.database.head(event)
        if head.token is None or head.lease_until > self._world.scheduler.now:
            return
        if not self.gone:
            self._world.faults["usurped"] += 1
            self.take(event, seconds, tells=True)

    def rob(self, owner: Ownership, seconds: float) -> None:
        """Take an event by force of an owner who asks to write, and so hears of it.

        What a former owner asks robs nobody: whoever is the owner then may answer from
        what it remembers while its lease is good, and would not hear of this.
        """
        head = self._world.database.head(owner.event)
        if (head.epoch, head.token) == (owner.epoch, owner.token):
            self.take(owner.event, seconds, tells=False)

    def take(self, event: str, seconds: float, *, tells: bool) -> None:
        """Take an event by force, and leave it after a while."""
        world, database = self._world, self._world.database
        if self.gone or database.full or database.down:
            return
        head, plan = database.head(event), world.plans[event]
        head.epoch += 1
        head.token = self._ids.token()
        database.addresses[event] = "rival"
        ownership = database.own(event)
        head.lease_until = world.scheduler.now + seconds
        world.scheduler.call_later(seconds, self._leave, event, head.token)
        stock = Stock(plan.venue, plan.first_settings)
        for row in head.rows:
            replay_row(stock, row)
        now_ms = max(stock.at_ms, database.clock.now_ms() + AHEAD_MS)
        builder = BatchBuilder(stock)
        keep = c.KeepHolds(id=0, event=event, until_ms=now_ms + limits.HOLD_GRACE_MS)
        best = c.HoldBest(id=0, event=event, quantity=1)
        history = world.histories[event]
        asked = history.call("rival", "rival", best, at_s=world.scheduler.now)
        change, _ = decide(keep, Request(stock, "", True, now_ms, self._ids))
        if change is not None:
            builder.add(change, now_ms)
        if stock.line is not None:
            kept_ms = now_ms + limits.TURN_KEPT_MS
            turns = c.KeepTurns(id=0, event=event, until_ms=kept_ms)
            system = Request(stock, "", True, now_ms, self._ids, system=True)
            change, _ = decide(turns, system)
            if change is not None:
                builder.add(change, now_ms)
        change, reply = decide(best, Request(stock, "rival", False, now_ms, self._ids))
        if change is not None:
            builder.add(change, now_ms)
        status = CommitStatus.COMMITTED
        if builder.changes:
            batch = builder.batch(ownership, self._ids.token(), now_ms)
            status = database.write(ownership, batch)
        if tells and status is CommitStatus.COMMITTED:
            history.returned(asked, reply, world.scheduler.now)

    def _leave(self, event: str, token: str) -> None:
        head = self._world.database.head(event)
        if head.token != token:
            return
        if self._world.plan.processes == 1:
            head.token = None
        else:
            # As if it died: nobody is told, but its lease is over.
            head.lease_until = self._world.scheduler.now
