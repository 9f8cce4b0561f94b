"""One follower in one process: in turn, past what it stumbles over, and soon."""

import asyncio
from collections.abc import Collection
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from inventory.changes import BOOKED
from persistence.errors import Unavailable
from persistence.followers.follower import Follower
from persistence.followers.passes import Passed, Passes
from persistence.journal.stretches import Behind
from server.base.jobs import Job
from server.live.followers import following as module
from server.live.followers.following import Following
from tests.server.live.followers.test_followers import until


class FakePasses:
    """Events with so many stretches left; what is `spoilt` raises that."""

    def __init__(self, **left: int) -> None:
        self.left = left
        self.asked: list[str] = []
        self.last: list[str] = []
        self.looks = 0
        self.spoilt: dict[str, Exception] = {}
        self.busy: set[str] = set()
        self.gone = False

    async def behind(
        self, name: str, last: Collection[str] = (), marks: int = 0
    ) -> Behind:
        assert (name, marks) == ("noting", BOOKED)
        self.looks += 1
        self.last = list(last)
        if self.gone:
            raise Unavailable("no database")
        events = [event for event, stretches in self.left.items() if stretches]
        return Behind(events, len(events), 10 * sum(self.left.values()), 1.5)

    async def step(
        self,
        follower: Follower,
        event: str,
        after: str | None = None,
        marks: int = 0,
    ) -> Passed:
        assert (after, marks) == (None, BOOKED)
        self.asked.append(event)
        if event in self.spoilt:
            raise self.spoilt[event]
        if event in self.busy:
            return Passed(more=True)
        if not self.left.get(event):
            return Passed()
        self.left[event] -= 1
        return Passed(10, more=self.left[event] > 0)


class Somebody:
    name = "noting"

    async def follow(self, connection: Any, event_id: str, changes: Any) -> None:
        raise AssertionError("the passes are not real")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until a test moves it."""
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def following(fake: FakePasses) -> Following:
    return Following(Somebody(), cast("Passes", fake), BOOKED)


async def test_every_event_has_its_turn(clock):
    fake = FakePasses(big=3, small=1)
    one = following(fake)
    for _ in range(3):
        await one.go_on()
    assert fake.asked == ["big", "small", "big", "big"]
    assert one.followed == 40
    # It looked once: what was left it knew.
    assert fake.looks == 1


async def test_what_was_committed_here_is_followed_before_the_next_look(clock):
    fake = FakePasses()
    one = following(fake)
    await one.go_on()
    fake.left["evt"] = 1
    one.wake(["evt"])
    await one.go_on()
    assert (fake.asked, fake.looks) == (["evt"], 1)


async def test_what_was_committed_elsewhere_is_found_by_the_next_look(clock):
    fake = FakePasses()
    one = following(fake)
    await one.go_on()
    fake.left["evt"] = 1
    await one.go_on()
    assert fake.asked == []
    clock[0] += module.LOOK_S
    await one.go_on()
    assert fake.asked == ["evt"]


async def test_an_event_at_which_another_is_comes_again(clock):
    fake = FakePasses(evt=1)
    fake.busy.add("evt")
    one = following(fake)
    await one.go_on()
    fake.busy.clear()
    await one.go_on()
    assert fake.left == {"evt": 0}


async def test_an_event_that_it_stumbles_over_spoils_no_other_and_waits(clock):
    fake = FakePasses(spoilt=1, good=2)
    fake.spoilt["spoilt"] = RuntimeError("I cannot")
    one = following(fake)
    with capture_logs() as logs:
        for _ in range(40):
            one.wake(["spoilt"])
            await one.go_on()
            clock[0] += 0.5
    assert fake.left == {"spoilt": 1, "good": 0}
    # At 0, 1, 3, 7 and 15 s.
    assert fake.asked.count("spoilt") == 5
    assert one.troubles["spoilt"].failures == 5
    assert fake.last == ["spoilt"]
    # It is the same change each time, and said once.
    assert [(entry["event"], entry["event_id"]) for entry in logs] == [
        ("a follower cannot go on", "spoilt")
    ]
    fake.spoilt.clear()
    clock[0] += module.BACKOFF_S_MAX
    await one.go_on()
    assert fake.left["spoilt"] == 0
    assert one.troubles == {}


async def test_it_never_waits_longer_than_a_minute(clock):
    fake = FakePasses(spoilt=1)
    fake.spoilt["spoilt"] = RuntimeError("I cannot")
    one = following(fake)
    for _ in range(30):
        clock[0] += module.BACKOFF_S_MAX
        await one.go_on()
    assert len(fake.asked) == 30


async def test_another_error_is_said_again(clock):
    fake = FakePasses(spoilt=1)
    one = following(fake)
    with capture_logs() as logs:
        for error in (RuntimeError("one"), KeyError("two"), KeyError("three")):
            fake.spoilt["spoilt"] = error
            clock[0] += module.BACKOFF_S_MAX
            await one.go_on()
    assert len(logs) == 2


async def test_where_a_database_is_away_for_one_event_the_others_come_next(clock):
    """A deadlock, say, or a statement that takes too long again and again."""
    fake = FakePasses(spoilt=1, good=1)
    fake.spoilt["spoilt"] = Unavailable("40P01")
    one = following(fake)
    with pytest.raises(Unavailable):
        await one.go_on()
    clock[0] += module.LOOK_S / 2
    one.wake(["spoilt", "good"])
    await one.go_on()
    assert fake.left == {"spoilt": 1, "good": 0}


async def test_it_goes_on_after_the_database_was_away(monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    fake, job = FakePasses(evt=1), Job()
    fake.gone = True
    task = asyncio.create_task(following(fake).run(job))
    await until(lambda: job.state.failures >= 2)
    fake.gone = False
    await until(lambda: not fake.left["evt"])
    task.cancel()
    assert job.state.last_error == "Unavailable"


async def test_a_wake_ends_its_rest(monkeypatch):
    """It would look again in an hour."""
    monkeypatch.setattr(module, "LOOK_S", 3_600.0)
    fake = FakePasses()
    one = following(fake)
    task = asyncio.create_task(one.run(Job()))
    await until(lambda: fake.looks)
    fake.left["evt"] = 2
    one.wake(["evt"])
    await until(lambda: not fake.left["evt"])
    task.cancel()
    assert fake.looks == 1
