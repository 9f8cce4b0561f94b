"""What stands for the SQL of lines beside Postgres: the same code, the same answers.

Random scripts with the numbers of a seed: who joins, wishes and leaves while steps are
taken, ranked by a commit, given turns and ended; and a draw from its list to its end.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from inventory.line.draw import buckets_of
from inventory.line.draw import split as stubs_of
from persistence.events.line import turns
from persistence.events.line.entries import Entries
from persistence.events.line.feeding import Feeding
from persistence.events.line.joining import JoinLane, NewEntry, NotOpen, TakenPlace
from persistence.events.line.lines import Lines, Mode, NewLine, Phase
from persistence.events.line.lists import RANK_BYTES, Lists
from persistence.postgres.pool import Pool
from tests.simulation.both import Both, without_times
from tests.simulation.line import lists as list_tables
from tests.simulation.line import turns as turn_tables
from tests.simulation.line.tables import rank_places

pytestmark = pytest.mark.postgres

EVENT = "evt"
USERS = [f"u{n}" for n in range(6)]
STEPS = 50
RULES = '{"closes_at_ms":1000,"draw":1}'
RANKED = """
UPDATE line_entry e SET rank = r.rank FROM unnest($2::bytea[], $3::integer[])
    AS r(stub, rank)
WHERE e.stub = r.stub AND e.event_id = $1 AND e.late AND e.step IS NOT NULL
    AND e.rank IS NULL AND e.over_at IS NULL
RETURNING e.rank
"""
"""As `commit_batches` has it, which refuses the whole batch where one is missing."""

assert list_tables.STUB == 16
assert turn_tables.EPOCH.year == 1970


def stub(name: str) -> bytes:
    return sha256(name.encode()).digest()[:16]


def told(one: Any) -> Any:
    """Return what a clock has not written; a wish as what it says."""
    if one is None:
        return None
    fields = without_times(one)
    if fields.get("wish") is not None:
        fields["wish"] = json.decode(fields["wish"])
    fields["over"] = getattr(one, "over_at", None) is not None
    return fields


def new_line(mode: Mode, draw: int = 1) -> NewLine:
    known = None if mode == "draw" else b"k" * 32
    return NewLine(
        EVENT, draw, mode, RULES, b"h" * 32, b"c" * 32, None, order_key=known
    )


async def join(pool: Any, number: int, user: str, device: bytes | None) -> Any:
    new = NewEntry(
        EVENT,
        f"ent_{number}",
        stub(f"{number}"),
        user,
        '{"quantity":2}' if number % 3 else None,
        device_hash=device,
    )
    try:
        return told(await JoinLane(pool).join(new))
    except (NotOpen, TakenPlace) as error:
        return type(error).__name__


async def rank(pool: Any, ranked: list[tuple[bytes, int]]) -> bool:
    """Rank places in a commit of the journal."""
    if not isinstance(pool, Pool):
        batch: Any = SimpleNamespace(ranked=ranked)
        return rank_places(pool.store, EVENT, batch)
    async with pool.transaction() as connection:
        stubs, ranks = [one for one, _ in ranked], [at for _, at in ranked]
        rows = await connection.fetch(RANKED, EVENT, stubs, ranks)
        if len(rows) == len(ranked):
            return True
        await connection.execute(
            "UPDATE line_entry SET rank = NULL WHERE stub = ANY ($1) AND rank ="
            " ANY ($2)",
            stubs,
            ranks,
        )
        return False


async def within(pool: Any, work: Callable[..., Any], *values: Any) -> Any:
    async with pool.transaction() as connection:
        noted = await work(connection, EVENT, *values)
    return noted and {rank: without_times(one) for rank, one in noted.items()}


class Script:
    """One line, and whoever comes to it."""

    def __init__(self, both: Both, seed: int) -> None:
        self.both, self.random = both, Random(seed)
        self.joins = self.fed = 0

    async def look(self) -> None:
        """All that is told of lines and places is the same."""
        same = self.both.same
        self.both.fake.seconds += 1
        for user in USERS:
            await same(lambda p, u=user: mine(p, u))
            await same(lambda p, u=user: Entries(p).named(EVENT, [u]))
        await same(counts)
        await same(lambda p: Feeding(p).unfed())

    async def step(self) -> None:
        random, same = self.random, self.both.same
        user = random.choice(USERS)
        chance = random.random()
        if chance < 0.35:
            self.joins += 1
            device = random.choice((None, None, b"d" * 32))
            await same(join, self.joins, user, device)
        elif chance < 0.45:
            wish = random.choice((None, '{"quantity":1}'))
            await same(lambda p: Entries(p).set_wish(EVENT, user, wish))
        elif chance < 0.55:
            await same(lambda p: Entries(p).leave(EVENT, user))
            await same(lambda p: Entries(p).is_account(user))
        elif chance < 0.75:
            await self.feed()
        elif chance < 0.85:
            await self.turn(user)
        elif chance < 0.92:
            name = f"ent_{random.randint(1, max(1, self.joins))}"
            note = random.choice((note_left, note_wish, note_paused, note_longer))
            await same(note, name)
        else:
            paused = random.choice((None, True, False))
            await same(lambda p: Lines(p).note_change(EVENT, paused))

    async def feed(self) -> None:
        rows = await self.both.same(take)
        if rows and self.random.random() < 0.8:
            named = [(one["stub"], self.fed + n) for n, one in enumerate(rows, 1)]
            if self.random.random() < 0.2:
                # Somebody who is not there spoils the whole batch.
                named.append((stub("nobody"), 99))
            if await self.both.same(rank, named):
                self.fed += len(rows)

    async def turn(self, user: str) -> None:
        at = self.random.randint(1, max(1, self.fed))
        given = turns.GivenTurn(at, user, "line", 5_000, "h")
        ended = turns.EndedTurn(at, user, self.random.choice(("left", "booked")))
        await self.both.same(within, turns.note_given, [given])
        if self.random.random() < 0.5:
            await self.both.same(within, turns.note_ended, [ended])


async def mine(pool: Any, user: str) -> Any:
    return told(await Entries(pool).mine(EVENT, user))


async def counts(pool: Any) -> Any:
    row = await Lines(pool).find(EVENT)
    return row and (without_times(row), await Lines(pool).counts(row))


async def take(pool: Any) -> Any:
    rows = await Feeding(pool).take(EVENT, 1, 0)
    return [told(replace(one, age_s=0.0)) for one in rows]


async def note_left(pool: Any, name: str) -> None:
    await Entries(pool).note_left(EVENT, name)


async def note_wish(pool: Any, name: str) -> None:
    await Entries(pool).note_wish(EVENT, name, '{"quantity":3}')


async def note_paused(pool: Any, name: str) -> None:
    await Entries(pool).note_paused(EVENT, name, paused=True)


async def note_longer(pool: Any, name: str) -> None:
    # Longer than some turns last here, and not than others.
    until = datetime.fromtimestamp(6, UTC)
    await Entries(pool).note_longer(EVENT, name, until)


async def begin(pool: Any, mode: Mode, phase: Phase) -> Any:
    row = await Lines(pool).begin(new_line(mode))
    row = await Lines(pool).move(row, phase)
    return without_times(await Lines(pool).move(row, phase))


@pytest.mark.parametrize("seed", range(2))
async def test_places_are_the_same(both, seed):
    await both.same(join, 1, "u1", None)
    await both.same(begin, "fifo", "late")
    script = Script(both, seed)
    for _ in range(STEPS):
        await script.step()
        await script.look()
    assert script.fed
    await both.same(within, turns.note_closed)
    await script.look()
    await both.same(join, 99, "u9", None)


async def list_of(pool: Any, draw: int = 1) -> Any:
    row = await Lists(pool).find(EVENT, draw)
    return None if row is None else without_times(row)


async def listed(pool: Any) -> Any:
    """Close a list, and go through a draw; each step twice, as others may."""
    lists, found = Lists(pool), []
    row = await lists.begin(EVENT, 1, 1_000)
    row = await lists.begin(EVENT, 1, 2_000)
    stubs = await lists.stubs(EVENT, 1)
    split = sorted(stubs[at : at + 16] for at in range(0, len(stubs), 16))
    minutes = await lists.minutes(EVENT, 1)
    found += [split, [joined for _, joined in minutes]]
    buckets = buckets_of(split)
    for root in (b"r" * 32, b"x" * 32):
        await lists.note_listed(row, len(split), root, b"", "[]", buckets)
    await lists.note_round(EVENT, 1, 7)
    found.append(await list_of(pool))
    await lists.note_fixed(row, "{}", b"s" * 64, 8)
    for signature in (b"1" * 48, b"2" * 48):
        await lists.note_beacon(row, signature)
    order = split[::-1]
    for size in (3, 2):
        segments = {
            1 + at: b"".join(order[at : at + size]) for at in range(0, len(order), size)
        }
        ranks = [
            b"".join(
                (1 + order.index(one)).to_bytes(RANK_BYTES, "big")
                for one in stubs_of(bucket)
            )
            for bucket in buckets
        ]
        await lists.note_order(row, b"k" * 32, b"l" * 32, segments, ranks)
    found.append(await Entries(pool).ranks(EVENT, 1, USERS))
    await lists.note_done(row)
    await lists.note_drawn(row, b"e" * 32)
    found += [await list_of(pool), await counts(pool)]
    for first in range(1, 1 + len(order), 2):
        segment = await lists.take(row, first, first - 1)
        wishes = [one and json.decode(one) for one in segment.wishes]
        found += [segment.users, segment.stubs, wishes, segment.gone]
        for user in USERS:
            # Whose place is taken is told so; the others are rows still.
            found.append(await Entries(pool).set_wish(EVENT, user, None))
            found.append(await mine(pool, user))
        found.append(sorted((await Entries(pool).ranks(EVENT, 1, USERS)).items()))
    await lists.note_done(row)
    found += [await counts(pool), await lists.due(5_000)]
    return found


async def restart(pool: Any) -> Any:
    lines = Lines(pool)
    new = await lines.note_next(new_line("draw", 2))
    again = await lines.note_next(new_line("draw", 3))
    assert again == new
    await lines.forget_next(new_line("draw", 9))
    found = [without_times(await lines.restart(new)) for _ in range(2)]
    return [*found, await lines.find_next(EVENT)]


async def test_a_draw_is_the_same(both):
    same = both.same
    await same(begin, "draw", "gathering")
    for number, user in enumerate(USERS, 1):
        await same(join, number, user, None)
    await same(lambda p: Entries(p).leave(EVENT, "u2"))
    await same(lambda p: Lists(p).due(999))
    await same(lambda p: Lists(p).due(1_000))
    await same(begin, "draw", "over")

    async def go_late(pool: Any) -> Any:
        row = await Lines(pool).find(EVENT)
        assert row is not None
        return without_times(await Lines(pool).move(row, "late"))

    await same(go_late)
    await same(join, 50, "u50", None)
    await same(listed)
    script = Script(both, 1)
    await script.look()
    for user in USERS:
        # One of them has the rank, and nobody else a turn of it.
        given = turns.GivenTurn(1, user, "line", 5_000, None)
        await same(within, turns.note_given, [given])
        ended = turns.EndedTurn(2, user, "booked")
        await same(within, turns.note_ended, [ended])
    await script.look()
    await same(restart)
    await script.look()
