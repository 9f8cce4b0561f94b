"""S6, in flight: what is not paid in time is free again, and said to be over only then.

By the journal and by the moments at which things were committed, in the middle of all
faults. A pledge ends at the end that the event promised (D and the margin), and 5 s of
grace later as any hold; where a recovery kept all holds, when that is over. The batch
that is decided at such a time ends it, or the next one: an actor looks what is due, and
may ask for keys before it takes the batch's time. So nothing but the next batch has to
come. That it comes, and soon, though nobody asks, is the work of the actor's alarm:
between two batches nothing changes, so `run_out` sees at rest all that can be seen of
it. Before that a batch is as late as the faults make it, for which there is no bound.
"""

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from inventory import limits
from inventory.changes import (
    AnyChange,
    HoldBooked,
    HoldExpired,
    HoldPledged,
    HoldReleased,
    HoldsKept,
    PlaceLimited,
    PledgeEnded,
    SaleChanged,
    TurnGiven,
)
from inventory.loading import decode_changes

if TYPE_CHECKING:
    from tests.simulation.world import World

ENDS: Final = (HoldBooked, HoldExpired, HoldReleased, PledgeEnded)
UNPAID: Final = frozenset({"expired", "left"})
"""Steps at which its buyer has nothing, and what it had is for others."""


class Pledge(Struct):
    """A hold that an order has."""

    order: str
    ends_ms: int
    outlived: int = 0
    """How many batches it has outlived that could have ended it."""


class Freed(Struct):
    """How the pledges of one event ended."""

    pledges: dict[str, Pledge] = {}
    until_ms: dict[str, int] = {}
    """The promised end, by hold."""
    kept_ms: int = 0
    """Until when the last recovery kept all there was."""
    ended_s: dict[str, float] = {}
    """When the journal had the end of a pledge, by hold."""

    def follow(self, change: AnyChange, at_ms: int, now_s: float) -> None:
        """Take in one change that was decided and committed at these times."""
        if isinstance(change, HoldPledged):
            # Asked for once more, when it may be pledged no longer, it ends no sooner.
            ends_ms = max(change.until_ms + limits.HOLD_GRACE_MS, self.kept_ms)
            self.pledges[change.hold] = Pledge(change.order, ends_ms)
            self.until_ms[change.hold] = change.until_ms
            self.ended_s.pop(change.hold, None)
        elif isinstance(change, HoldsKept):
            self.kept_ms = change.until_ms
            for pledge in self.pledges.values():
                pledge.ends_ms = max(pledge.ends_ms, change.until_ms)
        elif isinstance(change, SaleChanged) and change.to == "cancelled":
            for pledge in self.pledges.values():
                pledge.ends_ms = min(pledge.ends_ms, at_ms)
        elif isinstance(change, ENDS) and change.hold in self.pledges:
            del self.pledges[change.hold]
            self.ended_s[change.hold] = now_s

    def overdue(self, at_ms: int) -> list[str]:
        """Return what outlives a batch that was decided then, and one before it."""
        found = []
        for hold, pledge in self.pledges.items():
            if pledge.ends_ms <= at_ms:
                pledge.outlived += 1
                if pledge.outlived == 2:
                    late_ms = at_ms - pledge.ends_ms
                    found.append(f"{hold} of {pledge.order} is {late_ms} ms too late")
        return found


def check_freed(world: "World") -> None:
    """Note orders whose seats were free too late, or later than they were told to."""
    for event in world.events:
        freed = _follow(world, event)
        for name, row in world.tables.rows.items():
            order = row.stored.state
            until_ms = freed.until_ms.get(order.hold)
            if order.event != event or until_ms is None:
                continue
            if order.pay_until_ms is not None:
                most_ms = order.pay_until_ms + 1_000 * world.plan.margin_s
                if until_ms > most_ms:
                    world.violate(f"{name} is pledged {until_ms - most_ms} ms too long")
            over_s = world.tables.over_s.get(name)
            ended_s = freed.ended_s.get(order.hold)
            if over_s is not None and (ended_s is None or ended_s > over_s):
                world.violate(f"{name} was over before its seats were free")


def _follow(world: "World", event: str) -> Freed:
    freed = Freed()
    rows, committed_s = world.database.head(event).rows, world.database.committed_at
    for row, now_s in zip(rows, committed_s[event], strict=True):
        changes = decode_changes(row.body)
        for change in changes:
            freed.follow(change, row.at_ms, now_s)
        expired = sum(isinstance(change, HoldExpired) for change in changes)
        # What is owed to a line comes before what else is due, and may take the batch.
        owed = any(isinstance(one, TurnGiven | PlaceLimited) for one in changes)
        if expired < limits.EXPIRIES_PER_BATCH_MAX and not owed:
            for sentence in freed.overdue(row.at_ms)[:3]:
                world.violate(f"Pledges of {event}: {sentence}")
    return freed
