"""What must be true of lines: `waiting-room.md` 14, as far as worlds can tell.

By a twin that sees journals and nothing else, and by what people were told.
"""

from typing import TYPE_CHECKING, Final

from inventory import changes as c
from inventory import limits
from inventory.commands import Hold
from inventory.loading import decode_changes
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options
from tests.server.events.line.verify.naive_line import root_of
from tests.simulation.line.beacon import OWN
from tests.simulation.line.kept import check_kept, check_odds
from tests.simulation.line.listening import judge_told
from tests.simulation.line.pace import Given, check_feeding, check_pace, given_turns
from tests.simulation.line.tables import rank_of
from tests.simulation.line.twin import STUB, JournalTwin

if TYPE_CHECKING:
    from tests.simulation.world import World

HEARD_S: Final = 1.0
BEGUN_S: Final = 1.0
"""So long after all faults ended nothing of them is under way any more."""

ABANDONED: Final = "BAD end: it was given up when its order was known"


def check_lines(world: "World") -> None:
    """Note every violation of what lines promise."""
    for event in world.crowd.events:
        twin = twin_of(world, event)
        wrong = judge(world, event, twin)
        for sentence in wrong[:3]:
            world.violate(f"Line of {event}: {sentence}")
        if wrong:
            continue
        given = list(given_turns(world, event))
        world.crowd.counts.update(f"turn {one.change.because}" for one in given)
        _check_rows(world, event, twin)
        _check_list(world, event, twin)
        _check_heard(world, event, given)
        check_pace(world, event, given)
        check_feeding(world, event)
        check_kept(world, event)
    for event, told in world.crowd.transcripts:
        _check_transcript(world, event, told)


def twin_of(world: "World", event: str) -> JournalTwin:
    """Return a twin that has seen nothing of an event yet."""
    plan, index = world.plans[event], world.plans[event].venue.seat_index
    paid = {
        (one.user, tuple(sorted(index[label] for label in one.command.seats or [])))
        for one in world.histories[event].operations
        if one.system and type(one.command) is Hold
    }
    return JournalTwin(plan.venue, plan.first_settings, paid)


def judge(world: "World", event: str, twin: JournalTwin) -> list[str]:
    """Let a twin judge a journal, and compare it with what there is at its end."""
    head, former = world.database.head(event), 0
    told = world.crowd.listening.told.get(event, {})
    for row, epoch in zip(head.rows, head.epochs, strict=True):
        twin.now_ms = row.at_ms
        changes = decode_changes(row.body)
        if epoch == former and changes and twin.owes(changes[0]):
            return [f"L11: {changes[0]} comes before what is owed to the line"]
        kept = any(type(one) is c.TurnsKept for one in changes)
        if epoch != former and twin.turns and not kept:
            return [f"L14: the owner of epoch {epoch} kept no turns"]
        former = epoch
        for version, change in enumerate(changes, row.base + 1):
            try:
                twin.judge(change)
            except (AssertionError, LookupError, ValueError) as error:
                return [f"{change}: {error!r}"]
            wrong = list(judge_told(told, version, twin))
            if wrong:
                return wrong
        twin.rest_for_now()
        ended = sum(type(one) in (c.TurnEnded, c.HoldExpired) for one in changes)
        if ended < limits.EXPIRIES_PER_BATCH_MAX:
            late = twin.overdue()
            if late:
                return late
    stock = world.stock(event)
    if stock is None:
        return []
    try:
        twin.compare(stock, owed=1)
    except AssertionError as error:
        return [f"at its end: {error!r}"]
    if twin.closed and twin.turns:
        return [f"L16: turns outlive their line: {list(twin.turns)}"]
    return []


def check_rest(world: "World", event: str) -> None:
    """L5, L12: nobody waits to be fed, or could be served, where nothing is new."""
    stock, store = world.stock(event), world.tables.store
    line = None if stock is None else stock.line
    row = store.line.get(event)
    if line is None or line.closed or row is None:
        return
    for one in store.line_entry.values():
        mine = (one["event_id"], one["draw"]) == (event, row["draw"])
        unfed = one["late"] and one["rank"] is None and one["over_at"] is None
        if mine and unfed and row["phase"] == "late" and row["order_key"]:
            world.violate(f"L5: {one['user_id']} is not fed in {event}")
    twin = twin_of(world, event)
    if stock is None or judge(world, event, twin):
        return  # What is wrong is told at the end.
    check_odds(world, event, stock, twin)
    if line.gated and (line.sell_out_s or line.turns_per_min):
        return
    twin.now_ms = world.database.clock.now_ms() - 2_000
    if twin.turns_are_given() and (rank := twin.first()) is not None:
        world.violate(f"L12: rank {rank} of {event} could be served, and waits")


def _check_rows(world: "World", event: str, twin: JournalTwin) -> None:
    """L1, L3, L19: the rows of the last draw are what its journal says."""
    store = world.tables.store
    line = store.line.get(event)
    by_stub = {one["stub"]: one for one in store.line_entry.values()}
    for rank, (stub, place) in enumerate(zip(twin.stubs, twin.places, strict=True), 1):
        row = by_stub.get(stub)
        at = row and line and rank_of(store, line, row)
        if row is None or (at, row["user_id"]) != (rank, place.user):
            world.violate(f"L1: rank {rank} of {event} is {place.user}'s, not {row}")
        elif (row["over_at"] is not None) != (place.state in "dl"):
            world.violate(f"L19: rank {rank} of {event} is {place.state}, and {row}")
    for ack in world.crowd.acks:
        if ack.event == event and ack.stub not in by_stub:
            world.violate(f"L3: {ack} has no row")
    live: set[str] = set()
    for one in store.line_entry.values():
        of = line is not None and (one["event_id"], one["draw"]) == (
            event,
            line["draw"],
        )
        if not of or one["over_at"] is not None:
            continue
        if one["user_id"] in live:
            world.violate(f"L3: {one['user_id']} has two places in {event}")
        live.add(one["user_id"])


def _check_list(world: "World", event: str, twin: JournalTwin) -> None:
    """L3: what was fixed is the list of just those who gathered."""
    store, fixed = world.tables.store, twin.fixed
    line = store.line.get(event)
    if fixed is None or line is None or line["mode"] != "draw":
        return
    stubs = [
        one["stub"]
        for one in store.line_entry.values()
        if (one["event_id"], one["draw"]) == (event, line["draw"]) and not one["late"]
    ]
    if (fixed.entries, fixed.root) != (len(stubs), root_of(stubs)):
        world.violate(f"L3: {event} fixed {fixed}, and {len(stubs)} gathered")


def _check_heard(world: "World", event: str, given: list[Given]) -> None:
    """L24: who has a turn hears of it at once, where nothing goes wrong."""
    heard: dict[tuple[int, str, int], float] = {}
    for of, news, at_s in world.crowd.turns:
        if of == event:
            heard.setdefault((news.rank, news.user, news.until_ms), at_s)
    well_s = world.crowd.well_s + BEGUN_S
    for change, decided_s, at_s, _ in given:
        told_s = heard.get((change.rank, change.user, change.until_ms), float("inf"))
        # What was begun before may be written whose owner never hears of that.
        if decided_s > well_s and told_s > at_s + HEARD_S:
            world.violate(f"L24: {change} of {event}, {at_s:.3f} s, was heard {told_s}")


def _check_transcript(world: "World", event: str, told: bytes) -> None:
    """L28: whoever checks the transcript of a line finds it whole."""
    found = check(told.splitlines(keepends=True), Options(chain=OWN.beacon.chain))
    verdict = found.verdict()
    world.crowd.counts[f"verify {verdict.split()[0]}"] += 1
    bad = [one for one in found.lines() if one.startswith("BAD")]
    if bad == [ABANDONED] and b'"to":"cancelled"' in told:
        # An event is cancelled at any time; the transcript shows when it was.
        return
    if bad:
        world.violate(f"L28: the transcript of {event} is {bad}")


assert STUB
