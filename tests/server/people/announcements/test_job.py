import asyncio
from typing import TYPE_CHECKING, cast

from persistence.errors import Unavailable
from server.base.jobs import Job
from server.people.announcements.job import AnnouncementJob

if TYPE_CHECKING:
    from persistence.people.announcements import Announcements


def crier_of(store: "Store") -> AnnouncementJob:
    return AnnouncementJob(cast("Announcements", store))


class Store:
    """Has some batches to write; fails where it is told to."""

    def __init__(self, batches: int) -> None:
        self.left = batches
        self.failures = 0
        self.idle = asyncio.Event()

    async def write_some(self) -> bool:
        if self.failures:
            self.failures -= 1
            raise Unavailable("away")
        if self.left == 0:
            self.idle.set()
            return False
        self.left -= 1
        return True


async def wait_until_idle(store: Store) -> None:
    async with asyncio.timeout(60):
        await store.idle.wait()
    store.idle.clear()


async def test_all_batches_are_written_and_what_comes_later_too():
    store = Store(3)
    job = crier_of(store)
    running = asyncio.create_task(job.run(Job()))
    await wait_until_idle(store)
    assert store.left == 0
    store.left = 2
    job.soon()
    await wait_until_idle(store)
    assert store.left == 0
    running.cancel()


async def test_a_database_that_was_away_is_asked_again():
    store = Store(1)
    store.failures = 1
    job = crier_of(store)
    running = asyncio.create_task(job.run(Job()))
    async with asyncio.timeout(60):
        while store.failures:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
    assert store.left == 1
    job.soon()
    await wait_until_idle(store)
    assert store.left == 0
    running.cancel()
