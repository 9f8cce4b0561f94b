"""What must come to rest once nothing goes wrong any more, and how soon."""

from typing import TYPE_CHECKING

import inventory.limits
import persistence.limits
import server.base.limits
from inventory import commands as c
from tests.simulation import troubles
from tests.simulation.client import SEEING
from tests.simulation.orders.checks import unfinished
from tests.simulation.outboxes.checks import look_after, waiting

if TYPE_CHECKING:
    from tests.simulation.world import World

QUIET_S = 6.0
"""How long it may take, without faults, until all is answered and all see the same."""

FREED_S = 2.0
"""How long after its end a hold's seats may take to be free again."""

ORDERS_S = 60.0
"""How long it may take beyond that until all orders are done."""

BOUGHT_S = 120.0
"""The same for what is bought: refunds settle late, and fail after that."""

FOLLOWED_S = 20.0
"""How long followers may take, of whom two are at work at a time."""

TOLD_S = 60.0
"""How long it may take until everybody has been told of everything."""

STOPPED_S = 6.0
"""How long a process takes to stop where its last words are lost."""

STOP_S_MAX = 25.0
"""More than a process may take to stop in order."""


def quiet_s(world: "World") -> float:
    """Return how long it may take until all is at rest."""
    if world.plan.processes == 1:
        return QUIET_S
    # A command may have been lost just before, and somebody may look for an owner.
    limits = server.base.limits
    return (
        QUIET_S
        + limits.FORWARD_S_MAX
        + limits.ADOPT_S
        + limits.OWNER_SILENT_S
        + persistence.limits.SEEN_S_MAX
    )


def calm(world: "World") -> None:
    """End all faults, and see that everything comes to rest."""
    world.database.heal()
    world.bank.heal()
    world.tables.heal()
    world.receivers.heal()
    world.exchange.heal()
    world.rival.gone = True
    for process in list(world.slots):
        process.loop.resume()
        process.registry.silent = False
    ends_s = world.scheduler.now + STOP_S_MAX
    for slot in range(len(world.slots)):
        while (process := world.slots[slot]).stopping and process.loop.alive:
            if world.scheduler.now > ends_s:
                world.violate(f"{process.place.process} does not stop")
                return
            world.scheduler.run(world.scheduler.now + 0.5)
        world.restart(slot)
    for event in world.events:
        world.office(c.ChangeSale(id=0, event=event, to="resume"))
    for client in world.clients:
        client.away = False
        client.go_on()
        client.connect()
    world.gates.close()
    world.passing.close()
    world.crowd.close()
    world.relays.heal()
    look_after(world)
    finish_orders(world)
    # Where a batch takes a command or two, many that wait take their time.
    waiting = sum(len(client.open) for client in world.clients)
    began = world.scheduler.now + 4 * world.plan.commit_s * waiting
    settle(world, began)
    world.at_rest = True


def finish_orders(world: "World") -> None:
    """Let the orders come to their end, some steps of a few seconds each."""
    ends_s = world.scheduler.now + ORDERS_S + quiet_s(world)
    while world.scheduler.now < ends_s and any(one.waits for one in world.orders):
        world.scheduler.run(world.scheduler.now + 0.5)
    ends_s = world.scheduler.now + BOUGHT_S + quiet_s(world)
    while world.scheduler.now < ends_s and unfinished(world):
        world.scheduler.run(world.scheduler.now + 0.5)
    for sentence in unfinished(world)[:3]:
        world.violate(f"No rest for {BOUGHT_S:.0f} s: {sentence}")


def settle(world: "World", began: float) -> None:
    """Wait until everything is at rest, for as long as that may take."""
    most_s = quiet_s(world)
    while waits := restless(world):
        # Its time runs from the end of the last such lease, also once that was taken.
        began = max(began, unheard_until(world))
        if world.scheduler.now >= began + most_s:
            for sentence in waits[:3]:
                world.violate(f"No rest for {most_s:.0f} s: {sentence}")
            return
        world.scheduler.run(world.scheduler.now + 0.5)


def unheard_until(world: "World") -> float:
    """Say when the last lease ends of an owner that does not know of it, or is dead.

    The answer to an acquisition may be lost for good; the others wait then.
    """
    database = world.database
    living = {one.place.process for one in world.slots if one.loop.alive}
    ends = 0.0
    for event in world.events:
        head = database.head(event)
        if head.token is not None and (
            head.token not in database.heard
            or (len(world.slots) > 1 and database.addresses[event] not in living)
        ):
            ends = max(ends, head.lease_until)
    return ends


def run_out(world: "World") -> None:
    """Wait until every hold is over, and see that its places are free again."""
    # A renewal that was slowed before the faults ended holds its actor up.
    while any(world.database.busy(event) for event in world.events):
        world.scheduler.run(world.scheduler.now + 0.1)
    stocks = [stock for event in world.events if (stock := world.stock(event))]
    holds = [hold for stock in stocks for hold in stock.holds.values()]
    count = len(holds)
    ends_ms = max((hold.ends_ms for hold in holds), default=0)
    if world.plan.deserted:
        ends_ms = max(ends_ms, desert(world))
    left_s = (ends_ms - world.database.clock.now_ms()) / 1_000
    # One that is over by now may have ended this very moment.
    if left_s > -FREED_S:
        drift_s = 0.02 * max(0.0, left_s) + 2 * world.plan.latency_s
        # Where a batch ends one hold, those that end at once take their time, too.
        batches = count / inventory.limits.EXPIRIES_PER_BATCH_MAX
        wait_s = left_s + drift_s + FREED_S
        wait_s += 2 * world.plan.commit_s * batches
        world.scheduler.run(world.scheduler.now + wait_s)
    for event, local in world.locals():
        if b"h" in local.board.letters or any(area[1] for area in local.board.areas):
            world.violate(f"Holds of {event} outlive their end by {FREED_S} s")
    for event in world.events:
        # Their holds must end though nobody asks for them.
        if due(world, event) and not world.owners(event):
            world.violate(f"Nobody looks after {event}")
    for client in world.clients:
        client.back()
    if world.plan.deserted:
        settle(world, world.scheduler.now)
    world.at_rest = True
    world.scheduler.run(world.scheduler.now + 1.5)
    for sentence in restless(world)[:3]:
        world.violate(f"No rest at the end: {sentence}")


def catch_up(world: "World") -> None:
    """Wait until the followers have followed all that happened."""
    ends_s = world.scheduler.now + FOLLOWED_S
    while world.scheduler.now < ends_s and world.tickets.is_behind():
        world.scheduler.run(world.scheduler.now + 0.5)
    ends_s = world.scheduler.now + TOLD_S
    while world.scheduler.now < ends_s and waiting(world):
        world.scheduler.run(world.scheduler.now + 0.5)


def desert(world: "World") -> int:
    """Let all clients go, and an owner end; return when its holds are over, in ms.

    It dies, or stops in order; what it says of that may be lost.
    """
    world.at_rest = False
    for client in world.clients:
        client.leave(1_000_000, lost=False)
    world.scheduler.run(world.scheduler.now + 1.0)
    event, chance = world.events[0], world.plan.clients
    if chance % 3 == 0:
        world.exchange.losing.begin(world.scheduler.now + 3.0, 1.0)
    elif chance % 3 == 1:
        world.exchange.stop(3.0)
    for process, _ in world.owners(event):
        if chance % 2:
            troubles.end(world, process, 3.0, elsewhere=chance % 4 == 1)
        else:
            troubles.retire(world, process)
    world.scheduler.run(world.scheduler.now + STOPPED_S)
    # Somebody looks for it, waits for the end of its lease, and keeps what is held.
    taken_s = (
        unheard_until(world) - world.scheduler.now + 2 * server.base.limits.ADOPT_S
    )
    taken_s = max(taken_s, troubles.BURIED_S) + server.base.limits.LOAD_S_MAX
    taken_s += persistence.limits.SEEN_S_MAX + server.base.limits.MEMBERS_S
    kept_ms = inventory.limits.HOLD_GRACE_MS
    return world.database.clock.now_ms() + round(1_000 * taken_s) + kept_ms


def due(world: "World", event: str) -> bool:
    """Say whether holds run that must end though nobody asks for the event."""
    stock = world.stock(event)
    return stock is not None and bool(stock.holds)


def restless(world: "World") -> list[str]:
    """Say who still waits for something, or sees something else than the owner."""
    found = []
    boards = {}
    for event in world.events:
        owners = world.owners(event)
        if len(owners) != 1 and (owners or due(world, event)):
            found.append(f"{len(owners)} processes own {event}")
        for _, local in owners:
            boards[event] = local.board
            if local.actor._state is None or local.actor._open is not None:
                found.append(
                    f"the actor of {event} does not serve, or waits for a commit"
                )
    waiting = [order.name for order in world.orders if order.waits]
    if waiting:
        found.append(f"the orders {waiting[:3]} are not done")
    for client in world.clients:
        if client.wire is None:
            found.append(f"client {client.number} has no connection")
        elif client.open:
            waits = next(iter(client.open.values()))
            found.append(f"client {client.number} waits for {waits}")
        for event, view in client.views.items():
            board = boards.get(event)
            if board is None:
                found.append(f"{event} is not served")
                continue
            areas = board.area_counts(range(len(board.areas)))
            if view.version != board.version or view.state not in SEEING:
                found.append(
                    f"client {client.number} is at {view.version} of"
                    f" {board.version} ({view.state})"
                )
            elif view.letters != board.letters or view.areas != areas:
                found.append(f"client {client.number} sees another board")
    return found
