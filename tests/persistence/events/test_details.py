"""What the catalogue tells of an event is edited beside its journal."""

import pytest

from persistence.events.details import DetailsChange, UsedKey
from persistence.events.rows import Details
from tests.persistence.catalogue import make_events
from tests.persistence.journals import make_batch, make_result

pytestmark = pytest.mark.postgres


async def test_an_edit_under_a_key_is_made_once(store):
    await make_events(store)
    details = store.catalog.details
    assert await details.find_key("evt0", "usr", "k") is None
    for text in ("first", "second"):
        await details.edit(
            "evt0",
            DetailsChange(description=text),
            user="usr",
            key="k",
            request_hash=b"h",
        )
    row = await store.catalog.find_event("evt0")
    assert row.details == Details(description="first")
    used = await details.find_key("evt0", "usr", "k")
    assert used == UsedKey(b"h", True)
    assert await details.find_key("evt0", "other", "k") is None


async def test_the_key_of_a_command_is_known_too(store):
    ownership = await store.own("evt")
    await store.commit(ownership, make_batch(ownership, results=[make_result("k")]))
    used = await store.catalog.details.find_key("evt", "buyer", "k")
    assert used == UsedKey(b"hash", False)


async def test_what_is_not_named_stays(store):
    await make_events(store, description="long", category="Play", tags=("a",))
    details = store.catalog.details
    for change, expected in (
        (DetailsChange(), Details(description="long", category="Play", tags=("a",))),
        (DetailsChange(tags=()), Details(description="long", category="Play")),
        (DetailsChange(category=None), Details(description="long")),
        (DetailsChange(description=""), Details()),
    ):
        await details.edit("evt0", change, user="usr")
        assert (await store.catalog.find_event("evt0")).details == expected
    other = await store.catalog.find_event("evt1")
    assert other.details.description == "long"
