"""What must be true of lines: `waiting-room.md` 14, as far as worlds can tell.

By a twin that sees journals and nothing else, and by what people were told.
"""

from collections import defaultdict
from typing import TYPE_CHECKING

from inventory import changes as c
from inventory.commands import Hold
from inventory.loading import decode_changes, replay_row
from inventory.state import Stock
from tests.simulation.line.twin import JournalTwin

if TYPE_CHECKING:
    from tests.fakes import Head
    from tests.simulation.world import World


def check_lines(world: "World") -> None:
    """Note every violation of what lines promise."""
    for event in world.crowd.events:
        head = world.database.head(event)
        for sentence in _judge(world, event, head)[:3]:
            world.violate(f"Line of {event}: {sentence}")
        _check_rows(world, event, head)


def _twin(world: "World", event: str) -> JournalTwin:
    plan, index = world.plans[event], world.plans[event].venue.seat_index
    paid = {
        (one.user, tuple(sorted(index[label] for label in one.command.seats or [])))
        for one in world.histories[event].operations
        if one.system and type(one.command) is Hold
    }
    return JournalTwin(plan.venue, plan.first_settings, paid)


def check_rest(world: "World", event: str) -> None:
    """L5, L12: nobody waits to be fed, or could be served, where nothing is new."""
    stock, store = world.stock(event), world.tables.store
    line = None if stock is None else stock.line
    if line is None or line.closed:
        return
    row = store.line[event]
    for one in store.line_entry.values():
        if one["event_id"] == event and one["draw"] == row["draw"] and one["late"]:
            if row["phase"] == "late" and one["rank"] is None and not one["over_at"]:
                world.violate(f"L5: {one['user_id']} is not fed in {event}")
    if line.gated and (line.sell_out_s or line.turns_per_min):
        return
    twin = _twin(world, event)
    for one in world.database.head(event).rows:
        twin.now_ms = one.at_ms
        for change in decode_changes(one.body):
            try:
                twin.judge(change)
            except (AssertionError, LookupError, ValueError):
                return  # What is wrong is told at the end.
    twin.now_ms = world.database.clock.now_ms() - 1_000
    if twin.turns_are_given() and (rank := twin.first()) is not None:
        world.violate(f"L12: rank {rank} of {event} could be served, and waits")


def _judge(world: "World", event: str, head: "Head") -> list[str]:
    """Let the twin judge a journal, and compare it with replay."""
    plan = world.plans[event]
    twin = _twin(world, event)
    stock = Stock(plan.venue, plan.first_settings)
    for row in head.rows:
        twin.now_ms = row.at_ms
        replay_row(stock, row)
        for change in decode_changes(row.body):
            try:
                twin.judge(change)
            except (AssertionError, LookupError, ValueError) as error:
                return [f"{change}: {error!r}"]
    try:
        twin.compare(stock, owed=1)
    except AssertionError as error:
        return [f"at its end: {error!r}"]
    return []


def _check_rows(world: "World", event: str, head: "Head") -> None:
    """L1, L3: each place was acknowledged under one name, and rows are the journal."""
    store = world.tables.store
    line = store.line.get(event)
    known: dict[bytes, tuple[int, str]] = {}
    for row in head.rows:
        for change in decode_changes(row.body):
            if type(change) is c.LineOpened:
                known = {}
            elif type(change) is c.LineFed:
                stubs = [
                    change.stubs[at : at + 16] for at in range(0, len(change.stubs), 16)
                ]
                told = enumerate(
                    zip(stubs, change.users, strict=True), change.first_rank
                )
                known |= {stub: (rank, user) for rank, (stub, user) in told}
    by_stub = {one["stub"]: one for one in store.line_entry.values()}
    for stub, (rank, user) in known.items():
        one = by_stub.get(stub)
        if one is None or (one["rank"], one["user_id"]) != (rank, user):
            world.violate(f"L1: rank {rank} of {event} is {user}'s, and its row {one}")
    acked: dict[str, list[bytes]] = defaultdict(list)
    for ack in world.crowd.acks:
        if ack.event == event:
            acked[ack.user].append(ack.stub)
            if ack.stub not in by_stub:
                world.violate(f"L3: {ack} has no row")
    for one in store.line_entry.values():
        fed = one["stub"] in known or one["over_at"] is not None
        if one["event_id"] == event and line and line["order_key"] and not fed:
            if line["phase"] == "late" and one["draw"] == line["draw"]:
                world.violate(f"L5: {one['user_id']} was never fed")
