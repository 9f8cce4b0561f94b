"""Lines that come to rest once nothing goes wrong any more, and how they are closed."""

from typing import TYPE_CHECKING, Final

from server.live.actors.registry import LocalEvent
from tests.simulation.calm import settle
from tests.simulation.line.checks import check_rest

if TYPE_CHECKING:
    from tests.simulation.world import World

STEP_S: Final = 0.5
STILL_S: Final = 1.7
"""A look of the conductors for lines, and two ticks: so long nothing is committed."""

REST_S: Final = 12.0
"""So long it is waited for a moment at which nothing is new."""

DRAWN_S: Final = 40.0
"""So long a draw may take, whose beacon is there: rounds put off, and waits."""

CLOSED_S: Final = 40.0


def come_to_rest(world: "World") -> None:
    """Let draws and feeders end, look who could be served, and close the lines."""
    if not world.crowd.events:
        return
    for event in world.crowd.events:
        world.crowd.resume(event)
        if event in world.tables.store.line_next:
            world.crowd.restart(event)
    ends_s = world.scheduler.now + DRAWN_S
    while world.scheduler.now < ends_s and _is_undrawn(world):
        world.scheduler.run(world.scheduler.now + STEP_S)
    for event, line in world.tables.store.line.items():
        if _is_undrawn(world) and line["order_key"] is None:
            world.violate(f"{event} is not drawn in {DRAWN_S:.0f} s")
    ends_s, left = world.scheduler.now + REST_S, set(world.crowd.events)
    while left and world.scheduler.now < ends_s:
        world.scheduler.run(world.scheduler.now + STEP_S)
        for event in sorted(left):
            if _is_still(world, event):
                check_rest(world, event)
                left.discard(event)
    world.crowd.counts["line never still"] += len(left)
    for event in world.crowd.events:
        _close(world, event)
        if event in world.tables.store.line:
            world.crowd.read(event)
    world.scheduler.run(world.scheduler.now + STEP_S)
    # Whoever still asked for something holds it from now on.
    settle(world, world.scheduler.now)


def _is_undrawn(world: "World") -> bool:
    """Return whether the draw or the feeding of some line goes on."""
    for line in world.tables.store.line.values():
        drawn = line["order_key"] is not None
        if not drawn and line["phase"] in ("gathering", "late"):
            return True
    return any(
        one["late"] and one["rank"] is None and one["over_at"] is None
        for one in world.tables.store.line_entry.values()
        if world.tables.store.line[one["event_id"]]["phase"] == "late"
    )


def _is_still(world: "World", event: str) -> bool:
    """Return whether an owner is there, and nothing was committed for two ticks."""
    committed = world.database.committed_at[event]
    owners = world.owners(event)
    if len(owners) != 1 or not committed:
        return False
    still_s = world.scheduler.now - committed[-1]
    return still_s >= STILL_S and isinstance(owners[0][1], LocalEvent)


def _close(world: "World", event: str) -> None:
    """Close a line; its turns end, and what is held runs out."""
    ends_s = world.scheduler.now + CLOSED_S
    while event in world.tables.store.line and not _is_closed(world, event):
        if world.scheduler.now > ends_s:
            world.violate(f"The line of {event} is not closed in {CLOSED_S:.0f} s")
            return
        world.crowd.close_line(event)
        world.scheduler.run(world.scheduler.now + 2.0)


def _is_closed(world: "World", event: str) -> bool:
    stock = world.stock(event)
    if stock is None or stock.line is None:
        return True
    over = stock.settings.sale_state in ("closed", "completed", "cancelled")
    return over or stock.line.closed
