"""Followers of random sales: each change has its effect once, whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from inventory.changes import BOOKED, Change, HoldBooked
from persistence.errors import Unavailable
from persistence.followers import passes as module
from persistence.followers.follower import Followed
from persistence.followers.passes import Overtaken, Passes
from persistence.journal import stretches
from persistence.journal.stretches import Behind, Hole
from persistence.postgres.history import begin_new_history
from persistence.postgres.pool import Pool
from tests.persistence.doomed import Doomed
from tests.persistence.journals import Store
from tests.persistence.journeys import changes_of, random_sale, store_sale
from tests.persistence.proxy import open_proxy
from tests.persistence.sales import selling

if TYPE_CHECKING:
    from inventory.changes import AnyChange

STEPS = 160
EFFECTS = "SELECT version FROM effect WHERE name = $1 AND event = $2 ORDER BY version"

TIMES = """
SELECT (extract(epoch FROM at) * 1000)::bigint, to_version - from_version
FROM journal ORDER BY to_version
"""


class Noting:
    """A follower whose effects are rows, which may be there twice."""

    def __init__(self, name: str = "noting") -> None:
        self.name = name
        self.seen: list[AnyChange] = []
        self.times: list[int] = []

    async def follow(
        self, connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> None:
        versions = [one.version for one in changes]
        await connection.execute(
            "INSERT INTO effect SELECT $1, $2, unnest($3::bigint[])",
            self.name,
            event_id,
            versions,
        )
        self.seen += [one.change for one in changes]
        self.times += [one.at_ms for one in changes]


class Broken(Noting):
    """A follower that stumbles after its effects, as long as it is told to."""

    broken = True

    async def follow(
        self, connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> None:
        await super().follow(connection, event_id, changes)
        if self.broken:
            raise RuntimeError("I cannot")


@pytest.fixture
async def world(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with a table of effects, which is read in many small stretches."""
    monkeypatch.setattr(stretches, "ROWS_MAX", 7)
    # No key: what is done twice is there twice.
    await store.query("CREATE TABLE effect (name text, event text, version bigint)")
    return store


async def follow_all(
    passes: Passes, follower: Noting, kinds: Sequence[type[Change]] = ()
) -> int:
    versions, marks = 0, stretches.marks_of(kinds) if kinds else 0
    while (behind := await passes.behind(follower.name, marks=marks)).events:
        for event in behind.events:
            versions += (await passes.step(follower, event, marks=marks)).versions
    return versions


async def effects(store: Store, event: str, name: str = "noting") -> list[int]:
    return [row[0] for row in await store.query(EFFECTS, name, event)]


def all_of(number: int) -> list[int]:
    return list(range(1, number + 1))


async def test_commits_without_what_is_followed_are_passed_over(world):
    run = random_sale(5, 2 * STEPS)
    await store_sale(world, "evt", run)
    passes, follower, kinds = Passes(world.pool), Noting(), (HoldBooked,)
    # Of some of them it is not told, as of a former version; of the others those that
    # are passed over could not be read.
    await world.query("UPDATE journal SET marks = NULL WHERE to_version < $1", 9)
    await world.query("UPDATE event_head SET marked = NULL")
    await world.query("UPDATE journal SET body = '' WHERE marks = 0")
    rows = await world.query(
        "SELECT from_version + 1, to_version FROM journal"
        " WHERE marks IS NULL OR marks & $1 <> 0 ORDER BY to_version",
        BOOKED,
    )
    assert await follow_all(passes, follower, kinds) == len(run.journal)

    known = dict(enumerate((change for change, _ in changes_of(run, "evt")), 1))
    versions = await effects(world, "evt")
    assert versions == [n for first, last in rows for n in range(first, last + 1)]
    assert 0 < len(versions) < len(known)
    assert follower.seen == [known[version] for version in versions]
    assert {n for n, one in known.items() if isinstance(one, kinds)} <= {*versions}
    assert await passes.cursor("noting", "evt") == len(run.journal)


async def test_where_nothing_is_followed_nothing_waits_and_the_cursor_is_lazy(
    world, monkeypatch
):
    monkeypatch.setattr(module, "LAZY_VERSIONS_MAX", 5)
    passes, follower = Passes(world.pool), Noting()
    async with selling(world, "evt") as sale:
        held = await sale.hold("ann", "A-1")
        for seat in range(2, 6):
            await sale.hold("bob", f"A-{seat}")
        await world.query("UPDATE journal SET at = now() - interval '7 s'")
        assert await passes.behind("noting", marks=BOOKED) == Behind([])
        # Now it is named, so that its cursor moves, and it counts nowhere.
        await sale.hold("bob", "A-6")
        assert await passes.behind("noting", marks=BOOKED) == Behind(["evt"])
        assert await follow_all(passes, follower, (HoldBooked,)) == 6
        assert not follower.seen
        # What is followed waits from its own commit on.
        await sale.hold("bob", "A-7")
        await world.query("UPDATE journal SET at = now() - interval '7 s'")
        await sale.book("ann", held)
        behind = await passes.behind("noting", marks=BOOKED)
        assert (behind.events, behind.events_behind) == (["evt"], 1)
        assert (behind.versions_behind, behind.lag_s < 7) == (2, True)
        assert await follow_all(passes, follower, (HoldBooked,)) == 2
        # It was moved just now, and will not be again so soon.
        monkeypatch.setattr(module, "LAZY_VERSIONS_MAX", 0)
        await sale.hold("bob", "A-8")
        assert await passes.behind("noting", marks=BOOKED) == Behind([])
        await world.query("UPDATE follower SET at = at - interval '11 s'")
        assert await passes.behind("noting", marks=BOOKED) == Behind(["evt"])
    assert [type(one) for one in follower.seen] == [HoldBooked]


async def test_each_change_is_followed_once_in_order(world):
    run = random_sale(3, STEPS)
    await store_sale(world, "evt", run)
    passes, follower = Passes(world.pool), Noting()
    behind = await passes.behind("noting")
    assert (behind.events, behind.events_behind) == (["evt"], 1)
    assert behind.versions_behind == len(run.journal)
    first = await passes.step(follower, "evt")
    assert 0 < first.versions < len(run.journal)
    assert first.more
    assert await passes.cursor("noting", "evt") == first.versions
    await follow_all(passes, follower)
    assert follower.seen == [change for change, _ in changes_of(run, "evt")]
    rows = await world.query(TIMES)
    assert follower.times == [ms for ms, versions in rows for _ in range(versions)]
    assert await effects(world, "evt") == all_of(len(run.journal))
    # There is nothing more, and nothing is done about it.
    done = await passes.step(follower, "evt")
    assert (done.versions, done.more) == (0, False)
    assert (await passes.behind("noting")).versions_behind == 0
    assert (await passes.step(follower, "no such event")).versions == 0


async def test_several_who_follow_at_once_do_each_thing_once(world):
    """As processes do: nothing but the database is between them."""
    first, second = random_sale(5, STEPS), random_sale(6, STEPS)
    await store_sale(world, "evt 1", first)
    await store_sale(world, "evt 2", second)
    pools = [await Pool.open(world.url, size=1) for _ in range(4)]
    try:
        followed = [follow_all(Passes(pool), Noting()) for pool in pools]
        versions = await asyncio.gather(*followed)
    finally:
        await asyncio.gather(*(pool.close() for pool in pools))
    assert sum(versions) == len(first.journal) + len(second.journal)
    assert await effects(world, "evt 1") == all_of(len(first.journal))
    assert await effects(world, "evt 2") == all_of(len(second.journal))


async def test_who_comes_while_another_is_at_it_does_nothing(world):
    run = random_sale(3, STEPS)
    await store_sale(world, "evt", run)
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Noting):
        async def follow(
            self, connection: Any, event_id: str, changes: Sequence[Followed]
        ) -> None:
            begun.set()
            await go_on.wait()
            await super().follow(connection, event_id, changes)

    passes = Passes(world.pool)
    slow = asyncio.create_task(passes.step(Slow(), "evt"))
    await begun.wait()
    second = await passes.step(Noting(), "evt")
    assert (second.versions, second.more) == (0, True)
    # Another follower is at another cursor, and need not wait for anybody.
    assert (await passes.step(Noting("other"), "evt")).versions > 0
    go_on.set()
    assert (await slow).versions > 0
    assert len(await effects(world, "evt")) == await passes.cursor("noting", "evt")


async def test_what_dies_in_the_middle_has_no_effect(world):
    """Its connection is killed by the server at each of its statements in turn."""
    run = random_sale(7, STEPS)
    await store_sale(world, "evt", run)
    died = 0
    for statement in range(6):
        pool = await Pool.open(world.url, size=1, name="doomed")
        before = await effects(world, "evt")
        try:
            await Passes(Doomed.pool_of(pool, world, statement)).step(Noting(), "evt")
        except Unavailable:
            died += 1
            assert await effects(world, "evt") == before
        finally:
            await pool.close()
    # Lock, state, rows, effect, cursor: the sixth is never reached.
    assert died == 5
    await follow_all(Passes(world.pool), Noting())
    assert await effects(world, "evt") == all_of(len(run.journal))


async def test_a_commit_whose_answer_is_lost_is_not_done_again(world):
    run = random_sale(7, STEPS)
    await store_sale(world, "evt", run)
    async with open_proxy(world.url) as proxy:
        pool = await Pool.open(proxy.url, size=1, name="doomed")

        async def cut() -> None:
            await proxy.answer_lost.wait()
            proxy.cut()

        class Cutting:
            @asynccontextmanager
            async def transaction(self) -> AsyncIterator[Any]:
                async with pool.transaction() as connection:
                    yield connection
                    # All is done but the commit, whose answer never arrives.
                    proxy.losing_answers = True

        cutting = asyncio.create_task(cut())
        with pytest.raises(Unavailable):
            await Passes(cast("Pool", Cutting())).step(Noting(), "evt")
        await cutting
        await pool.close()
    done = await effects(world, "evt")
    assert done == all_of(await Passes(world.pool).cursor("noting", "evt")) != []
    await follow_all(Passes(world.pool), Noting())
    assert await effects(world, "evt") == all_of(len(run.journal))


async def test_what_a_follower_stumbles_over_is_undone_and_comes_again(world):
    run = random_sale(3, STEPS)
    await store_sale(world, "evt", run)
    passes, follower = Passes(world.pool), Broken()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="I cannot"):
            await passes.step(follower, "evt")
    assert await effects(world, "evt") == []
    assert await passes.cursor("noting", "evt") == 0
    # Nobody else minds.
    await follow_all(passes, Noting("well"))
    assert await effects(world, "evt", "well") == all_of(len(run.journal))
    follower.broken = False
    await follow_all(passes, follower)
    assert await effects(world, "evt") == all_of(len(run.journal))


async def test_a_cursor_that_was_moved_by_others_is_not_moved_back(world):
    """No lock of ours is needed for that: the statement compares."""
    run = random_sale(3, STEPS)
    await store_sale(world, "evt", run)

    class Overtaking(Noting):
        async def follow(
            self, connection: Any, event_id: str, changes: Sequence[Followed]
        ) -> None:
            await super().follow(connection, event_id, changes)
            await world.query(
                "INSERT INTO follower VALUES ('noting', 'evt', 5, now())"
                " ON CONFLICT (name, event_id) DO UPDATE SET version = 5"
            )

    with pytest.raises(Overtaken):
        await Passes(world.pool).step(Overtaking(), "evt")
    assert await effects(world, "evt") == []
    assert await Passes(world.pool).cursor("noting", "evt") == 5


async def test_a_hole_in_a_journal_is_not_followed_over(world):
    await store_sale(world, "evt", random_sale(9, 120))
    await world.query(
        "DELETE FROM journal WHERE to_version = (SELECT min(to_version) FROM journal)"
    )
    with pytest.raises(Hole):
        await Passes(world.pool).step(Noting(), "evt")
    assert await effects(world, "evt") == []


async def test_a_journal_that_was_cut_off_is_told_of(world):
    """Its effects are of a past that is not this one's: a person has to look."""
    await store_sale(world, "evt", random_sale(9, 120))
    passes, follower = Passes(world.pool), Noting()
    await follow_all(passes, follower)
    await world.query("UPDATE event_head SET version = version - 1")
    await world.query(
        "DELETE FROM journal WHERE to_version = (SELECT max(to_version) FROM journal)"
    )
    behind = await passes.behind("noting")
    assert (behind.events, behind.versions_behind) == (["evt"], 1)
    with pytest.raises(Hole, match="was followed to"):
        await passes.step(follower, "evt")


async def test_a_new_history_goes_on_where_the_former_was_followed_to(world):
    """As after a restore: cursors are of the same moment as the journal they follow."""
    run = random_sale(3, STEPS)
    await store_sale(world, "evt", run)
    passes, follower = Passes(world.pool), Noting()
    first = await passes.step(follower, "evt")
    async with world.pool.transaction() as connection:
        assert await begin_new_history(connection) == 1
    assert await passes.cursor("noting", "evt") == first.versions
    await follow_all(passes, follower)
    assert await effects(world, "evt") == all_of(len(run.journal))


async def test_the_lag_is_the_age_of_the_first_change_that_is_not_followed(world):
    await store_sale(world, "evt", random_sale(3, 60))
    await world.query("UPDATE journal SET at = now() - interval '7 s'")
    passes = Passes(world.pool)
    assert 7 <= (await passes.behind("noting")).lag_s < 60
    await follow_all(passes, Noting())
    assert (await passes.behind("noting")).lag_s == 0


async def test_who_waits_longest_is_named_first_and_the_spoilt_last(world):
    for event, seed in (("evt a", 3), ("evt b", 5)):
        await store_sale(world, event, random_sale(seed, STEPS))
    passes, follower = Passes(world.pool), Noting()
    assert (await passes.step(follower, "evt a")).more
    assert (await passes.behind("noting")).events == ["evt b", "evt a"]
    last = await passes.behind("noting", ["evt b"])
    assert last.events == ["evt a", "evt b"]


async def test_who_comes_after_another_goes_no_farther_than_it(world, monkeypatch):
    run = random_sale(3, STEPS)
    await store_sale(world, "evt", run)
    passes, first, second = Passes(world.pool), Noting("first"), Noting("second")
    waits = await passes.step(second, "evt", "first")
    assert (waits.versions, waits.more) == (0, False)
    led = await passes.step(first, "evt")
    followed = 0
    # Its stretches are shorter, and end where those of the other end.
    for rows in (2, 2, 2, 2):
        monkeypatch.setattr(stretches, "ROWS_MAX", rows)
        followed += (await passes.step(second, "evt", "first")).versions
    assert followed == led.versions
    assert (await passes.step(second, "evt", "first")).versions == 0
    assert await effects(world, "evt", "second") == all_of(led.versions)
    await follow_all(passes, first)
    while (await passes.step(second, "evt", "first")).versions:
        pass
    assert await effects(world, "evt", "second") == all_of(len(run.journal))
