"""How soon and how fast: L5 and L29, by the journal of an owner that was awake.

When a batch was decided is told by its owner, who may stand still, or wait for the
database. So of the time between two batches only a part counts as time to do something.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from inventory import changes as c
from inventory.loading import decode_changes
from inventory.settings import LineSettings
from inventory.venue.map import Venue
from tests.scenario import NOW_MS
from tests.simulation.line.twin import STUB
from tests.simulation.statements import time_at

if TYPE_CHECKING:
    from datetime import timedelta

    from tests.simulation.world import World

WINDOWS_S: Final = (1.0, 10.0)
MEAN: Final = 1.6
"""What a turn is believed to take, before anybody learnt that."""

AWAKE_S: Final = 0.25
FED_S: Final = 4.0
"""So soon who joined is fed, of the time in which the owner was awake: a look each
second, a step, and what the database does not answer the first times."""


class Given(NamedTuple):
    """A turn that was given."""

    change: c.TurnGiven
    decided_s: float
    at_s: float
    """When it was committed."""
    epoch: int
    """Of the owner who gave it."""


def given_turns(world: "World", event: str) -> Iterator[Given]:
    """Yield the turns of an event."""
    head, committed = world.database.head(event), world.database.committed_at
    for row, epoch, at_s in zip(head.rows, head.epochs, committed[event], strict=True):
        for change in decode_changes(row.body):
            if type(change) is c.TurnGiven:
                decided_s = (row.at_ms - NOW_MS) / 1_000
                yield Given(change, decided_s, at_s, epoch)


def most_a_second(
    terms: LineSettings, venue: Venue, given: int, learnt: list[int]
) -> float:
    """Return the highest pace that any owner of a line may have come to."""
    places = len(venue.seats) + sum(area.capacity for area in venue.areas)
    mean = min([MEAN, *(one / 1_000 for one in learnt)])
    return 2 * max(1.0, places + given * mean) / (mean * terms.sell_out_s)


def too_fast(given: list[Given], most: float) -> str | None:
    """L29: return when an owner gave more at its pace than it may, if it did.

    What was asked for is decided later where the event waits for the database, with
    what was asked for since: hence twice what a pause saves up.
    """
    room = max(1.0, 2 * most)
    by_owner: dict[int, list[float]] = {}
    for one in given:
        if one.change.because == "line":
            by_owner.setdefault(one.epoch, []).append(one.decided_s)
    for times in by_owner.values():
        for start in times:
            for window_s in WINDOWS_S:
                some = sum(start <= one < start + window_s for one in times)
                if some > 2 * room + window_s * most + 1:
                    return f"{some} turns within {window_s} s of {start:.3f}"
    return None


def check_pace(world: "World", event: str, given: list[Given]) -> None:
    """L29: no owner gives more at its pace than it may."""
    plan = world.plans[event]
    terms = plan.first_settings.line
    if terms is None or terms.mode == "list" or not terms.sell_out_s:
        return
    if world.crowd.repaced:
        return
    learnt = [
        change.mean_milli
        for row in world.database.head(event).rows
        for change in decode_changes(row.body)
        if type(change) is c.LineTuned
    ]
    found = too_fast(given, most_a_second(terms, plan.venue, len(given), learnt))
    if found is not None:
        world.violate(f"L29: {found}, of {event}")


def check_feeding(world: "World", event: str) -> None:
    """L5: a place is fed soon after it was taken, while an owner lives."""
    head = world.database.head(event)
    rows = {one["stub"]: one for one in world.tables.store.line_entry.values()}
    batches = list(zip(head.rows, head.epochs, strict=True))
    times = [(row.at_ms - NOW_MS) / 1_000 for row, _ in batches]
    before_s = drawn_s = 0.0
    for at, (row, epoch) in enumerate(batches):
        for change in decode_changes(row.body):
            if type(change) is c.LineDrawn or type(change) is c.LineFed:
                before_s, drawn_s = drawn_s, times[at]
            if type(change) is not c.LineFed or change.step is None:
                continue
            # Who came late waits for those before.
            places = [rows.get(change.stubs[n : n + STUB]) for n in _starts(change)]
            joined = [_joined_s(one) for one in places if one is not None]
            since_s = max(before_s, min(joined, default=times[at]))
            awake_s, before = 0.0, at
            while before and batches[before - 1][1] == epoch:
                gap_s = times[before] - max(times[before - 1], since_s)
                if gap_s <= 0:
                    break
                awake_s += min(gap_s, AWAKE_S)
                before -= 1
            if awake_s > FED_S:
                world.violate(
                    f"L5: {change.users} of {event} joined at {since_s:.3f}, and were"
                    f" fed at {times[at]:.3f}, {awake_s:.1f} s of an owner's later"
                )
                return


def _starts(change: c.LineFed) -> range:
    return range(0, len(change.stubs), STUB)


def _joined_s(row: dict[str, Any]) -> float:
    """Return when somebody joined, in seconds of the world."""
    took: timedelta = row["joined_at"] - time_at(0)
    return took.total_seconds()
