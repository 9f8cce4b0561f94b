"""What must be true of a world at rest: journal, memory, tables, boards, promises."""

from typing import TYPE_CHECKING

from inventory import limits
from inventory.audit import Differences, Replay
from inventory.changes import (
    HoldExpired,
    HoldPledged,
    SaleChanged,
    SeatsHeld,
    TurnGiven,
)
from inventory.loading import decode_changes
from inventory.records import Corrupt
from inventory.replies import ExtendOk, HoldOk
from inventory.state import Stock
from server.live.actors.registry import LocalEvent
from tests.checkers.witness import check
from tests.fakes import Head
from tests.scenario import NOW_MS
from tests.simulation.giving.checks import check_giving
from tests.simulation.giving.facts import check_facts
from tests.simulation.line.checks import check_lines
from tests.simulation.orders.checks import check_orders
from tests.simulation.orders.freeing import check_freed
from tests.simulation.outboxes.checks import check_told
from tests.simulation.pledges import check_pledges
from tests.simulation.tickets.checks import check_tickets

if TYPE_CHECKING:
    from tests.simulation.world import World

SKEW_MS = 5_000
"""How far a process may believe the database's clock to be off, after long silence."""

KEPT_S = limits.HOLD_GRACE_MS / 1_000 - 1.0
"""How long a recovery keeps a hold at least, less what clocks may differ."""


def check_world(world: "World") -> None:
    """Note every violation of the safety invariants."""
    for event, plan in world.plans.items():
        head = world.database.head(event)
        found = check(
            world.histories[event],
            head.rows,
            plan.venue,
            plan.first_settings,
            results=head.results.values(),
            event=event,
            origin_ms=NOW_MS,
            skew_ms=SKEW_MS,
        )
        for sentence in found[:3]:
            world.violate(f"Witness of {event}: {sentence}")
        _check_journal(world, event, head)
        _check_promises(world, event, head)
    check_orders(world)
    check_giving(world)
    check_facts(world)
    world.offered.check_rest()
    check_freed(world)
    check_tickets(world)
    check_told(world)
    check_lines(world)


def _check_journal(world: "World", event: str, head: Head) -> None:
    """Replay equals memory, tables and board: S1, S2, S4, S5, S6, S10."""
    plan = world.plans[event]
    differences = Differences()
    replay = Replay(event, plan.venue, plan.first_settings, differences)
    for row, epoch in zip(head.rows, head.epochs, strict=True):
        replay.read(row, epoch)
    replay.finish()
    for sentence in differences.sentences()[:3]:
        world.violate(f"Audit of {event}: {sentence}")
    stock = replay.stock
    if replay.broken:
        return
    if stock.version != head.version:
        world.violate(f"{event}'s journal ends at {stock.version}, not {head.version}")
    _compare_tables(world, event, head, stock)
    check_pledges(world, event, head, stock)
    for _, local in world.owners(event):
        _check_memory(world, event, local, stock)


def _check_memory(world: "World", event: str, local: LocalEvent, stock: Stock) -> None:
    """An owner's memory, and its board, are the journal."""
    state = local.actor._state
    if state is None:
        return
    try:
        state.stock.check()
    except Corrupt as error:
        world.violate(f"{event}'s memory: {error}")
    if state.stock.hash() != stock.hash():
        world.violate(f"{event}'s memory is not its journal")
    board = local.board
    if (
        board.version != stock.version
        or board.letters != stock.letters
        or board.areas != stock.area_counts()
        or board.settings != stock.settings
    ):
        world.violate(f"{event}'s board is not its journal")


def _compare_tables(world: "World", event: str, head: Head, stock: Stock) -> None:
    sold = {
        seat: booking.booking
        for booking in stock.bookings.values()
        for seat in booking.seats
    }
    if head.sold != sold:
        world.violate(f"{event}'s sold seats are not those of its journal")
    booked = {n: area.booked for n, area in enumerate(stock.areas)}
    if head.area_sold != booked:
        world.violate(f"{event}'s sold places are not those of its journal")
    if set(head.bookings) - head.cancelled != set(stock.bookings):
        world.violate(f"{event}'s bookings are not those of its journal")
    if head.settings is not None and head.settings != stock.settings:
        world.violate(f"{event}'s settings are not those of its journal")


def _check_promises(world: "World", event: str, head: Head) -> None:
    """No hold ended before a client could think so; news went to the right user."""
    promised: dict[str, float] = {}
    for operation in world.histories[event].operations:
        reply = operation.reply
        token = None
        if type(reply) is HoldOk:
            token = reply.hold
        elif type(reply) is ExtendOk:
            token = operation.command.hold  # type: ignore[union-attr]
        if token is not None and reply.expires_in_ms:  # type: ignore[union-attr]
            left_ms = reply.expires_in_ms  # type: ignore[union-attr]
            ends_s = operation.called_s + left_ms / 1_000
            promised[token] = max(promised.get(token, 0.0), ends_s)
    cancelled = False
    """From then on the event keeps no hold."""
    owners: dict[str, str] = {}
    made: dict[str, int] = {}
    database = world.database
    for row, epoch, at_s in zip(
        head.rows, head.epochs, database.committed_at[event], strict=True
    ):
        begun_s = database.begun[event, epoch]
        for change in decode_changes(row.body):
            if isinstance(change, SeatsHeld | TurnGiven):
                # One who chooses holds nothing yet.
                owners[change.hold or ""] = change.user
                made.setdefault(change.hold or "", epoch)
            elif type(change) is HoldPledged:
                # The audit knows when it ends from now on.
                promised.pop(change.hold, None)
            elif type(change) is SaleChanged and change.to == "cancelled":
                cancelled = True
            elif type(change) is HoldExpired and not cancelled:
                kept_s = row.at_ms / 1_000 - NOW_MS / 1_000 - begun_s
                if made[change.hold] < epoch and kept_s < KEPT_S:
                    world.violate(f"{change} came {kept_s:.3f} s after a recovery")
                early_s = promised.get(change.hold, 0.0) - at_s
                if early_s > 0.001:
                    world.violate(f"{change} ended {early_s:.3f} s before its promise")
    for where, user, hold in world.expired:
        if where == event and owners.get(hold) != user:
            world.violate(f"{user} was told of the hold {hold} of {owners.get(hold)}")
