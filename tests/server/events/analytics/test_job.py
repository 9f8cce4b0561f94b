"""The job that counts: in turn, in its share of the loop, past what is spoilt."""

import asyncio
from collections.abc import Collection
from typing import cast

import pytest

from persistence.analytics.rollup import Counted, Rollup
from persistence.errors import Unavailable
from persistence.journal.stretches import Behind, Hole
from server.base.jobs import Job
from server.base.metrics import Metrics
from server.events.analytics import job as module
from server.events.analytics.job import LOOP_SHARE_MAX, RollupJob, rest_after


class FakeRollup:
    """Events with so many stretches left; one of them is spoilt."""

    def __init__(self, **left: int) -> None:
        self.left = left
        self.asked: list[str] = []
        self.gone = False

    async def behind(self, last: Collection[str] = ()) -> Behind:
        self.last = list(last)
        if self.gone:
            raise Unavailable("no database")
        events = [event for event, stretches in self.left.items() if stretches]
        return Behind(events, len(events), 10 * sum(self.left.values()), 1.5)

    async def count(self, event: str) -> Counted:
        self.asked.append(event)
        if event == "spoilt":
            raise Hole("spoilt is counted to 3")
        if not self.left[event]:
            return Counted(0, 0.0)
        self.left[event] -= 1
        return Counted(10, 0.0001, more=self.left[event] > 0)


def counter_of(fake: FakeRollup) -> RollupJob:
    return RollupJob(cast("Rollup", fake))


async def test_every_event_has_its_turn():
    fake = FakeRollup(big=3, small=1)
    job = counter_of(fake)
    assert await job.look_and_count() is False
    assert fake.asked == ["big", "small", "big", "big"]
    assert job.counted == 40


async def test_an_event_that_cannot_be_counted_spoils_no_other():
    fake = FakeRollup(spoilt=1, good=1)
    job = counter_of(fake)
    await job.look_and_count()
    await job.look_and_count()
    # It is not asked about again for a while.
    assert fake.asked.count("spoilt") == 1
    assert fake.left == {"spoilt": 1, "good": 0}


async def test_what_is_spoilt_comes_last_where_only_so_many_are_named():
    fake = FakeRollup(spoilt=1, good=1)
    job = counter_of(fake)
    await job.look_and_count()
    await job.look_and_count()
    assert fake.last == ["spoilt"]


async def test_a_spoilt_event_is_tried_again_after_a_while(monkeypatch):
    monkeypatch.setattr(module, "SPOILT_S", -1.0)
    fake = FakeRollup(spoilt=1)
    job = counter_of(fake)
    await job.look_and_count()
    await job.look_and_count()
    assert fake.asked == ["spoilt", "spoilt"]


async def test_a_pass_ends_though_something_is_left(monkeypatch):
    monkeypatch.setattr(module, "PASS_S_MAX", -1.0)
    fake = FakeRollup(big=3)
    assert await counter_of(fake).look_and_count() is True
    assert fake.asked == []


async def test_the_job_outlives_a_database_that_is_away(monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    fake = FakeRollup(one=2)
    fake.gone = True
    job = counter_of(fake)
    task = asyncio.create_task(job.run(Job()))
    await asyncio.sleep(0.02)
    assert not task.done()
    fake.gone = False
    async with asyncio.timeout(60):
        while True:
            if job.counted == 20:
                break
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_it_rests_so_long_that_it_has_its_share_of_the_loop():
    rest = rest_after(Counted(1, 0.01))
    assert 0.01 / (0.01 + rest) == pytest.approx(LOOP_SHARE_MAX)
    assert rest_after(Counted(1, 0.0)) == 0.0


async def test_how_far_it_is_behind_is_a_metric():
    metrics, fake = Metrics(), FakeRollup(one=2)
    job = counter_of(fake)
    job.count_in(metrics)
    await job.look_and_count()
    for name, value in (
        ("events_behind", 1),
        ("versions_behind", 20),
        ("lag_seconds", 1.5),
        ("versions_counted_total", 20),
    ):
        assert metrics.read(f"onsale_analytics_{name}") == value, name
