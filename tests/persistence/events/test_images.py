"""Which images are shown, and which files nobody needs."""

from datetime import timedelta

import pytest

from persistence.events.images import NewImage
from persistence.events.rows import ImageRow
from tests.persistence.catalogue import make_events

pytestmark = pytest.mark.postgres


def image(name, request="h"):
    sizes = {"large": 9, "small": 3}
    return NewImage(name, 1600, 900, sizes, "usr", request, "A view")


async def shown(store, event):
    row = await store.catalog.find_event(event)
    return row.image and row.image.image


async def test_an_event_shows_its_image(store):
    await make_events(store)
    images = store.catalog.images
    await images.intend("img_1")
    assert await images.find_request("img_1") is None
    await images.show("evt0", image("img_1"))
    row = await store.catalog.find_event("evt0")
    assert row.image == ImageRow(
        "img_1", 1600, 900, "A view", "usr", row.image.uploaded_at
    )
    assert row.image.uploaded_at >= row.created_at
    assert await images.find_request("img_1") == "h"
    # Not even when it would have been due.
    assert await store.query("SELECT image_id FROM image_garbage") == []
    assert await shown(store, "evt1") is None


async def test_an_upload_that_does_not_end_is_garbage_after_a_while(store):
    images = store.catalog.images
    await images.intend("img_1")
    assert await images.garbage() == []
    await images.intend("img_2", timedelta(0))
    assert await images.garbage() == ["img_2"]
    # Whoever begins again has time for it.
    await images.intend("img_2")
    await images.removed("img_2")
    assert await images.garbage() == []
    left = await store.query("SELECT image_id FROM image_garbage ORDER BY 1")
    assert left == [("img_1",), ("img_2",)]


async def test_what_no_event_shows_any_more_is_garbage(store):
    await make_events(store)
    images = store.catalog.images
    await images.show("evt0", image("img_1"))
    await images.show("evt0", image("img_2"))
    assert await images.garbage() == ["img_1"]
    await images.hide("evt0")
    await images.hide("evt0")
    assert sorted(await images.garbage()) == ["img_1", "img_2"]
    for name in ("img_1", "img_2"):
        await images.removed(name)
        assert await images.find_request(name) is None
    assert await images.garbage() == []


async def test_an_image_that_a_duplicate_shows_stays(store):
    await make_events(store)
    images = store.catalog.images
    await images.show("evt0", image("img_1"))
    row = await store.catalog.find_event("evt0")
    await store.catalog.create_event(
        "evt9",
        row.settings,
        venue="ven",
        created_by="usr",
        request_hash=b"",
        image="img_1",
    )
    await images.hide("evt0")
    assert (await images.garbage(), await shown(store, "evt9")) == ([], "img_1")
    await images.hide("evt9")
    assert await images.garbage() == ["img_1"]


async def test_a_duplicate_of_an_image_that_is_gone_shows_none(store):
    await make_events(store)
    row = await store.catalog.find_event("evt0")
    made = await store.catalog.create_event(
        "evt9",
        row.settings,
        venue="ven",
        created_by="usr",
        request_hash=b"",
        image="img_gone",
    )
    assert made.image is None


async def test_an_image_for_no_event_stays_garbage(store):
    images = store.catalog.images
    await images.intend("img_1", timedelta(0))
    await images.show("none", image("img_1"))
    assert await images.garbage() == ["img_1"]
    assert await images.find_request("img_1") is None
