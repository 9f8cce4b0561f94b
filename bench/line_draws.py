"""Draws of many, what is fed, turns without a pace, and reading such a line anew.

The entries are copied into the table, as joins would have written them: who waits on a
socket is another part. The beacon is one of our own, in this process. What came when
is read from the journal afterwards, by the database's clock; meanwhile somebody asks
one thing after the other at a socket, which tells how long the loop of the server was
away, beside the same at an echo.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from time import perf_counter

import asyncpg
import msgspec
from aiohttp import web
from msgspec import Struct

from bench import arena
from bench.children import ChildError
from bench.contenders import start_echo
from bench.lab import Lab
from bench.line_parts import Part, fill, p50_p99
from bench.line_people import Come, Ping
from bench.line_sockets import ask
from bench.onsale import Onsale
from bench.partner import Partner
from inventory.changes import LineDrawn, LineFed, TurnGiven
from inventory.line.wishes import Wish
from inventory.loading import decode_changes, load
from inventory.snapshot import decode_snapshot, encode_snapshot
from inventory.venue.map import Venue, VenueMap
from persistence.events.catalog import Catalog
from persistence.journal.journal import PostgresJournal
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.pool import Pool
from server.events.line.beacon.relay import OwnBeacon, make_app

BEACON = "bench"
DRAWN_WITHIN_S = 120.0
FED_WATCHED_S = 40.0
"""So long after the order is there it is watched how people are fed."""

LOOK_S = 0.1
AHEAD_S = 4
"""From the opening of the line to the closing of its list, all having joined."""

STALL_MS_MAX = 10.0
FED_PER_S_MIN = 100_000.0
TURNS_PER_S_MIN = 5_000.0
RECOVERY_S_MAX = 1.5


class Draw(Struct, frozen=True):
    """So many people, and what their draw may take."""

    people: int
    fix_within_s: int
    s_max: float
    asked: bool = True
    """Whether feeding and recovery are judged by it."""


class Seen(Struct):
    """What the journal of an event has, by the database's clock."""

    drawn_ms: int = 0
    fed: list[tuple[int, int]] = []
    """When, and how many entries."""

    turns: list[int] = []


async def measure(lab: Lab, draws: tuple[Draw, ...], turns: int) -> Part:
    """Measure draws, then turns, then recovery of what the last of them left."""
    part = Part()
    lab = lab.shaped(connections=1, seats_per_event=max(turns, arena.SEATS_PER_ROW))
    async with AsyncExitStack() as stack:
        own = OwnBeacon(
            b"of the bench", genesis_s=int(time.time()), period_s=1, name=BEACON
        )
        server = Onsale(
            lab,
            stack,
            settings={
                "ONSALE_BEACON_RELAYS": await _serve(stack, own),
                "ONSALE_BEACON_CHAIN": own.beacon.chain,
            },
        )
        await server.start()
        url, (token,) = f"ws://{server.address}/v1/ws", await server.guests(1)
        people = await Partner.start(stack, "bench.line_people")
        echo = await start_echo(stack, lab, 1)
        beside = await Partner.start(stack, "bench.line_people")
        await ask(people, Come(url, [token], ""))
        await ask(beside, Come(echo.ws_url, ["t"], ""))
        event = ""
        for one in draws:
            event = await _draw(server, people, beside, one, part)
        await _turn(server, turns, part)
        (plain,) = await server.open_sales(1)
        await people.stop()
        assert server.child is not None
        await server.child.stop()
        await _recover(server, (plain, event), draws[-1].people, part)
    return part


async def _serve(stack: AsyncExitStack, own: OwnBeacon) -> str:
    """Serve a relay on loopback; return where."""
    runner = web.AppRunner(make_app(own), access_log=None, shutdown_timeout=0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


async def _draw(
    server: Onsale, people: Partner, beside: Partner, draw: Draw, part: Part
) -> str:
    """Close the list of so many, and see how long it takes to their first turn."""
    later = {"mode": "draw", "beacon": BEACON, "closes_before_s": 1}
    later |= {"fix_within_s": draw.fix_within_s, "wish_floor": 0, "turns_per_min": 600}
    far = datetime.now(UTC) + timedelta(days=1)
    (event,) = await server.open_sales(1, line={**later, "opens_at": far.isoformat()})
    wishes = [None, None, Wish(2), Wish(4, together=False)]
    await fill(server.database_url, event, draw.people, late=False, wishes=wishes)
    opens_at = datetime.now(UTC) + timedelta(seconds=AHEAD_S + 1)
    terms = {**later, "opens_at": opens_at.isoformat()}
    await server.ask("PATCH", f"/v1/events/{event}", {"line": terms})
    line = await server.ask("POST", f"/v1/events/{event}/line/open", {})
    closes_ms = line["rules"]["closes_at_ms"]
    asking = asyncio.create_task(_ask_on(people))
    asking_echo = asyncio.create_task(_ask_on(beside))
    connection = await asyncpg.connect(server.database_url)
    try:
        seen = await _watch(connection, event)
    finally:
        asking.cancel()
        asking_echo.cancel()
        await connection.close()
    pings, echoes = await _pings(asking), await _pings(asking_echo)
    _tell(draw, seen, closes_ms, pings, echoes, part)
    await server.ask("POST", f"/v1/events/{event}/line/close", {})
    return event


async def _ask_on(people: Partner) -> list[float]:
    """Ask one thing after the other, a second at a time, until cancelled."""
    ms: list[float] = []
    while True:
        asking = asyncio.ensure_future(ask(people, Ping(1.0)))
        try:
            ms += (await asyncio.shield(asking)).ms
        except asyncio.CancelledError:
            return ms + (await asking).ms


async def _pings(asking: "asyncio.Task[list[float]]") -> list[float]:
    return sorted(await asking)


def _tell(
    draw: Draw,
    seen: Seen,
    closes_ms: int,
    pings: list[float],
    echoes: list[float],
    part: Part,
) -> None:
    people = f"{draw.people:,}"
    first_s = (seen.turns[0] - closes_ms) / 1e3
    part.add(
        f"draw of {people}, from closing to the first turn",
        first_s,
        "s",
        f"the round that decides is {draw.fix_within_s} to {draw.fix_within_s + 1} s"
        " after the closing and is waited for; half have a wish",
        at_most=draw.s_max,
    )
    part.add(
        f"draw of {people}, from the order to the first turn",
        (seen.turns[0] - seen.drawn_ms) / 1e3,
        "s",
        "of that, from when the order was in the journal",
    )
    part.add(
        f"draw of {people}, longest answer meanwhile",
        pings[-1],
        "ms",
        f"of {len(pings):,} pings, p50 / p99 {p50_p99(pings)}; a stall of the loop is"
        f" no longer. The bound is {STALL_MS_MAX:g} ms beyond the echo's longest",
        echo=f"{echoes[-1]:.1f} ms, p50 / p99 {p50_p99(echoes)}",
        at_most=STALL_MS_MAX + echoes[-1],
    )
    took_s = (seen.fed[-1][0] - seen.fed[0][0]) / 1e3
    rest = sum(count for _, count in seen.fed[1:])
    part.add(
        f"feeding {people}",
        rest / took_s if took_s else float("nan"),
        "/s",
        f"{took_s:.1f} s from the first of {len(seen.fed):,} segments to the last"
        " that was seen, a statement in Postgres for each",
        at_least=FED_PER_S_MIN if draw.asked else None,
    )


async def _turn(server: Onsale, turns: int, part: Part) -> None:
    """Have turns given without a pace, to people who wish for what there is."""
    opens_at = datetime.now(UTC) + timedelta(seconds=AHEAD_S)
    (event,) = await server.open_sales(
        1,
        line={
            "mode": "fifo",
            "opens_at": opens_at.isoformat(),
            "sell_out_s": 0,
            "wish_floor": 0,
        },
    )
    await server.ask("POST", f"/v1/events/{event}/line/open", {})
    wishes = [Wish(1), Wish(2), Wish(2, together=False), Wish(1, (arena.CATEGORY,))]
    await fill(server.database_url, event, turns // 2, late=True, wishes=wishes)
    connection = await asyncpg.connect(server.database_url)
    try:
        seen = Seen()
        for _ in range(int(DRAWN_WITHIN_S / LOOK_S)):
            await asyncio.sleep(LOOK_S)
            seen = await _read(connection, event)
            if len(seen.turns) >= turns // 2:
                break
        else:
            raise ChildError(
                f"{len(seen.turns):,} turns were given, not {turns // 2:,}"
            )
    finally:
        await connection.close()
    took_s = (seen.turns[-1] - seen.turns[0]) / 1e3
    part.add(
        "turns, with wishes",
        len(seen.turns) / took_s if took_s else float("nan"),
        "/s",
        f"{len(seen.turns):,} of one event with {turns:,} seats, no pace; from the"
        " first to the last in the journal, each with seats held",
        at_least=TURNS_PER_S_MIN,
    )
    await server.ask("POST", f"/v1/events/{event}/line/close", {})


async def _recover(
    server: Onsale, events: tuple[str, str], people: int, part: Part
) -> None:
    """Read an event as its next owner does, and one beside it that has no line."""
    pool = await Pool.open(server.database_url)
    clock = DatabaseClock()
    journal = await PostgresJournal.open(server.database_url, pool, "bench", clock)
    seconds: list[float] = []
    body, snapshot_s, fed = b"", 0.0, 0
    try:
        for event in events:
            plan = await Catalog(pool).find_plan(event)
            ownership = await journal.acquire(event)
            if plan is None or ownership is None:
                raise ChildError("the event is gone, or somebody has it still")
            venue = Venue(msgspec.json.decode(plan.map_json, type=VenueMap))
            begun = perf_counter()
            loaded = await load(journal, ownership, venue, plan.first_settings)
            seconds.append(perf_counter() - begun)
            await journal.release(ownership, due=False)
            body = encode_snapshot(loaded.stock)
            fed = 0 if loaded.stock.line is None else loaded.stock.line.fed
            begun = perf_counter()
            decode_snapshot(body, venue)
            snapshot_s = perf_counter() - begun
    finally:
        await journal.close()
        await pool.close()
    for name, took_s in (
        ("journal", seconds[1] - seconds[0]),
        ("a snapshot", snapshot_s - seconds[0]),
    ):
        part.add(
            f"recovery with {people:,} in line, from {name}",
            took_s,
            "s more",
            f"than {seconds[0]:.2f} s of an event without a line; {fed:,} had been fed,"
            f" and the snapshot has {len(body) / 2**20:.0f} MiB",
            at_most=RECOVERY_S_MAX,
        )


async def _watch(connection: asyncpg.Connection, event: str) -> Seen:
    """Return what came of a draw, once all are fed or it was watched for long enough.

    Raises `ChildError` where nothing came of it.
    """
    drawn_at = 0.0
    for _ in range(int(DRAWN_WITHIN_S / LOOK_S)):
        row = await connection.fetchrow(
            "SELECT line_hash IS NOT NULL AS drawn, order_key IS NOT NULL AS fed"
            " FROM line WHERE event_id = $1",
            event,
        )
        drawn_at = drawn_at or (perf_counter() if row["drawn"] else 0.0)
        long_enough = drawn_at and perf_counter() - drawn_at > FED_WATCHED_S
        if row["fed"] or long_enough:
            seen = await _read(connection, event)
            if seen.turns:
                return seen
        await asyncio.sleep(LOOK_S)
    raise ChildError(f"nothing was drawn within {DRAWN_WITHIN_S:.0f} s")


async def _read(connection: asyncpg.Connection, event: str) -> Seen:
    """Return what the journal of an event says of its line."""
    seen = Seen()
    rows = await connection.fetch(
        "SELECT at, body FROM journal WHERE event_id = $1 ORDER BY to_version", event
    )
    for row in rows:
        at_ms = int(row["at"].timestamp() * 1_000)
        for change in decode_changes(row["body"]):
            if isinstance(change, LineFed):
                seen.fed.append((at_ms, len(change.users)))
            elif isinstance(change, LineDrawn):
                seen.drawn_ms = at_ms
            elif isinstance(change, TurnGiven):
                seen.turns.append(at_ms)
    return seen
