"""Images are taken one at a time, and no file outlives its image."""

import asyncio

import pytest

from persistence.events.images import Images
from persistence.events.usage import Usage
from persistence.postgres.pool import Pool
from persistence.quotas import DEFAULT_QUOTAS
from server.base.jobs import Job
from server.events.images import keeper as module
from server.events.images.encoding import BadImage
from server.events.images.keeper import (
    ImageKeeper,
    OtherUpload,
    name_of,
)
from server.events.images.stores import DirectoryStore, StoreUnavailable
from tests.persistence.journals import open_store
from tests.pictures import picture
from tests.stage import soon

pytestmark = pytest.mark.postgres

IMAGE = f"img_{'a' * 22}"


class Shaky(DirectoryStore):
    """A store that fails as often as it is told to."""

    failures = 0

    async def put(self, name, data):
        self._fail()
        await super().put(name, data)

    async def delete(self, name):
        self._fail()
        await super().delete(name)

    def _fail(self):
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the disk is full")


class Place:
    """A keeper over a database and a directory."""

    def __init__(self, store, pool, folder):
        self.store = store
        self.rows = Images(pool)
        self.files = Shaky(folder)
        self.folder = folder
        self.keeper = ImageKeeper(self.rows, self.files, Usage(pool, DEFAULT_QUOTAS))

    async def take(self, image=IMAGE, event="evt", data=None):
        await self.keeper.take(image, event, data or picture(), user="usr")

    def stored(self):
        return sorted(path.name for path in self.folder.rglob("*.webp"))


@pytest.fixture
async def place(database_url, tmp_path):
    async with open_store(database_url) as store:
        await store.make_event("evt")
        pool = await Pool.open(database_url)
        try:
            yield Place(store, pool, tmp_path / "images")
        finally:
            await pool.close()


BOTH = [f"{IMAGE}-large.webp", f"{IMAGE}-small.webp"]


async def test_what_was_taken_is_found_until_it_is_hidden(place):
    await place.take()
    assert place.stored() == BOTH
    assert await place.keeper.find(IMAGE, "small")
    await place.keeper.hide("evt")
    await place.keeper.sweep()
    assert place.stored() == []
    assert await place.keeper.find(IMAGE, "small") is None
    await place.keeper.close()


async def test_the_same_upload_again_changes_nothing(place):
    await place.take()
    before = place.folder / name_of(IMAGE, "large")
    told = before.stat().st_mtime_ns
    await place.take()
    assert before.stat().st_mtime_ns == told
    for other in ({"data": picture("JPEG")}, {"event": "another"}):
        with pytest.raises(OtherUpload):
            await place.take(**other)


async def test_an_upload_that_fails_is_shown_nowhere_and_leaves_nothing(place):
    place.files.failures = 1
    with pytest.raises(StoreUnavailable):
        await place.take()
    assert (await place.store.catalog.find_event("evt")).image is None
    # A store that fails is asked again later, and what is due stays so.
    await place.rows.intend(IMAGE)
    await place.store.query("UPDATE image_garbage SET due_at = now()")
    place.files.failures = 1
    with pytest.raises(StoreUnavailable):
        await place.keeper.sweep()
    assert await place.rows.garbage() == [IMAGE]
    await place.keeper.sweep()
    assert await place.rows.garbage() == []
    await place.take()
    assert place.stored() == BOTH


async def test_what_is_no_image_is_not_noted(place):
    with pytest.raises(BadImage):
        await place.take(data=b"text")
    assert await place.store.query("SELECT FROM image_garbage") == []


async def test_what_is_hidden_goes_by_itself(place, monkeypatch):
    monkeypatch.setattr(module, "SWEEP_EVERY_S", 3_600.0)
    running = asyncio.create_task(place.keeper.run(Job()))
    try:
        await place.take()
        await place.keeper.hide("evt")
        await soon(lambda: not place.stored())
    finally:
        running.cancel()
    await asyncio.wait([running])
