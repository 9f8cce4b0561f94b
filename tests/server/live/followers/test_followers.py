"""All followers of a process: woken by what it commits, shown with how far they are."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from inventory.changes import BOOKED, HoldBooked
from persistence.followers.follower import Followed
from persistence.followers.passes import Passes
from persistence.journal.stretches import Behind
from server.base.jobs import Job
from server.live.followers import followers as module
from server.live.followers import following
from server.live.followers.followers import Followers
from server.live.followers.following import Trouble
from tests.persistence.journals import Store, open_store
from tests.persistence.sales import selling
from tests.server.live.fanout.test_hub import Stand

if TYPE_CHECKING:
    from persistence.postgres.pool import Pool

KINDS: Final = (HoldBooked,)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url) as opened:
        yield opened


class Noting:
    """Notes bookings, until it stumbles over one."""

    def __init__(self, name: str, stumbles: str = "") -> None:
        self.name, self.stumbles = name, stumbles
        self.bookings: list[str] = []

    async def follow(
        self, connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> None:
        for one in changes:
            if isinstance(one.change, HoldBooked):
                if event_id == self.stumbles:
                    raise RuntimeError("I cannot")
                self.bookings.append(one.change.booking)


@asynccontextmanager
async def running(
    store: Store, *noting: Noting, after: Noting | None = None
) -> AsyncIterator[Followers]:
    jobs: dict[str, Job] = {}

    def job(name: str) -> Job:
        return jobs.setdefault(name, Job())

    followers = Followers(Passes(store.pool), lambda event: event != "foreign", job)
    for one in noting:
        followers.add(one, KINDS)
    if after is not None:
        followers.add(after, KINDS, after=noting[0].name)
    assert set(jobs) == {f"follower {name}" for name in followers.following}
    task = asyncio.create_task(followers.run())
    try:
        yield followers
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], object]) -> None:
    """Wait for what a database and a clock take part in: looks are counted."""
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


async def test_what_is_sold_is_followed_and_one_that_stumbles_holds_up_no_other(
    store, monkeypatch
):
    monkeypatch.setattr(following, "BACKOFF_S_MIN", 0.01)
    monkeypatch.setattr(following, "LOOK_S", 0.05)
    well, ill = Noting("well"), Noting("ill", stumbles="evt 1")
    async with running(store, well, ill) as followers:
        async with selling(store, "evt 1") as sale:
            first = await sale.book("ann", await sale.hold("ann", "A-1"))
        async with selling(store, "evt 2") as sale:
            second = await sale.book("ann", await sale.hold("ann", "A-1"))
        followers.moved("evt 1")
        followers.moved("evt 2")
        await until(lambda: set(well.bookings) == {first, second})
        await until(lambda: ill.bookings == [second])
        await until(lambda: followers.following["ill"].troubles)
        troubles = followers.following["ill"].troubles
        await until(lambda: troubles["evt 1"].failures >= module.FAILURES_MAX)
        part = followers.health()
        assert part["status"] == "degraded"
        assert part["problems"] == [
            "The follower “ill” cannot go on with 1 events, last with RuntimeError."
        ]
        ill.stumbles = ""
        await until(lambda: set(ill.bookings) == {first, second})
        await until(lambda: followers.health()["status"] == "ok")
    assert len(well.bookings) == len(ill.bookings) == 2


async def test_a_batch_wakes_those_who_follow_an_event_of_ours(monkeypatch):
    monkeypatch.setattr(module, "WAKE_S", 0.0)
    monkeypatch.setattr(module, "APART_S", 0.0)
    woken: list[list[str]] = []
    followers = nobody_follows_yet()
    followers.add(Noting("one"), KINDS)
    followers.add(Noting("two"), KINDS, after="one")
    one: Any = followers.following["one"]
    one.wake = lambda events: woken.append(sorted(events))
    # It is woken when the one before it is done.
    two: Any = followers.following["two"]
    two.wake = lambda events: pytest.fail("there is nothing to do yet")
    stand = Stand()
    stand.hub.moved = followers.moved
    event = stand.event.board.event
    stand.commit([0], "b", marks=BOOKED)
    stand.commit([1], "b", marks=BOOKED)
    followers.moved("foreign")
    await asyncio.sleep(0.01)
    assert woken == [[event]]
    # What is loaded anew may have been committed without a word.
    stand.load(4)
    await asyncio.sleep(0.01)
    assert woken == [[event]] * 2
    # Nobody follows holds, nor what others own.
    stand.commit([2])
    followers.moved("foreign")
    await asyncio.sleep(0.01)
    assert len(woken) == 2


class StoodLoop:
    """A clock that stands, and what is to be called when."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        self.calls.append((when, call))

    def move(self) -> None:
        self.now, call = self.calls.pop()
        call()


async def test_a_steady_sale_wakes_them_seldom_and_a_lone_commit_soon():
    followers, loop = nobody_follows_yet(), StoodLoop()
    followers._loop = cast("asyncio.AbstractEventLoop", loop)
    woken = []
    for pause in (0.0, 0.01, 0.01, 0.2, 7.0):
        loop.now += pause
        begun = loop.now
        followers.moved("evt")
        followers.moved("evt")
        loop.move()
        woken.append(round(loop.now - begun, 3))
        assert not loop.calls
    assert woken == [0.05, 0.14, 0.14, 0.05, 0.05]


async def test_how_far_each_is_is_shown():
    followers = nobody_follows_yet()
    assert followers.health() == {"status": "off"}
    followers.add(Noting("slow"), KINDS)
    followers.add(Noting("quick"), KINDS)
    slow = followers.following["slow"]
    slow.behind, slow.followed = Behind(["evt"], 3, 40, 31.26), 7
    slow.troubles["evt"] = Trouble("KeyError", 1, 0.0)
    part = followers.health()
    assert part["slow"] == {
        "events_behind": 3,
        "versions_behind": 40,
        "lag_s": 31.26,
        "events_failing": 0,
    }
    # The one stumble is no problem yet.
    assert part["problems"] == ["The follower “slow” is 31 s behind."]
    shown = {
        (sample.name, sample.labels["follower"]): sample.value
        for family in followers.collect()
        for sample in family.samples
    }
    assert shown["onsale_follower_lag_seconds", "slow"] == 31.26
    assert shown["onsale_follower_lag_seconds", "quick"] == 0
    assert shown["onsale_follower_versions_behind", "slow"] == 40
    assert shown["onsale_follower_events_behind", "slow"] == 3
    assert shown["onsale_follower_events_failing", "slow"] == 1
    assert shown["onsale_follower_versions_total", "slow"] == 7


async def test_who_needs_the_effects_of_another_hears_when_they_are_there(
    store, monkeypatch
):
    """None of them looks by itself, after the first time."""
    first, second = Noting("first"), Noting("second")
    monkeypatch.setattr(following, "LOOK_S", 3_600.0)
    async with running(store, first, after=second) as followers:
        looked = followers.following.values()
        await until(lambda: all(one._look_at for one in looked))
        async with selling(store, "evt") as sale:
            booking = await sale.book("ann", await sale.hold("ann", "A-1"))
        followers.following["second"].wake(["evt"])
        followers.following["first"].wake(["evt"])
        await until(lambda: second.bookings == [booking])
    assert first.bookings == [booking]


async def test_a_name_is_had_once():
    followers = nobody_follows_yet()
    followers.add(Noting("one"), KINDS)
    with pytest.raises(ValueError, match="one"):
        followers.add(Noting("one"), KINDS)


def nobody_follows_yet() -> Followers:
    """No database is asked."""
    passes = Passes(cast("Pool", None))
    return Followers(passes, lambda event: event != "foreign", lambda name: Job())
