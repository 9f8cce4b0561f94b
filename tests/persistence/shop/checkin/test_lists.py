"""Lists of an event: the main one is always there, and none is edited blindly."""

import asyncio
from datetime import UTC, datetime

import pytest

from persistence.errors import Stale, TooMany
from persistence.shop.checkin.lists import LISTS_MAX, CheckinLists, ListRules
from tests.persistence.journals import Store

OPENS = datetime(2026, 11, 30, 18, tzinfo=UTC)


@pytest.fixture
async def lists(store: Store) -> CheckinLists:
    await store.make_event("evt")
    return CheckinLists(store.pool)


async def test_each_event_has_its_main_list(store, lists):
    found = await asyncio.gather(*(lists.find("evt", "main") for _ in range(4)))
    assert {one.list_id for one in found if one is not None} == {"main"}
    assert [one.name for one in await lists.of_event("evt")] == ["Main"]
    assert await lists.find("none", "main") is None
    assert await lists.find("evt", "other") is None
    await store.make_event("other")
    assert [one.list_id for one in await lists.of_event("other")] == ["main"]


async def test_a_list_is_made_once_under_its_id(lists):
    rules = ListRules("VIP", True, OPENS, ["1"])
    made = await lists.create("evt", "lst_1", rules, "usr_1", b"hash")
    assert (made.name, made.reentry, made.opens_at, made.categories) == (
        "VIP",
        True,
        OPENS,
        ["1"],
    )
    again = await lists.create("evt", "lst_1", ListRules("Other"), "usr_1", b"other")
    assert again == made
    assert [one.list_id for one in await lists.of_event("evt")] == ["main", "lst_1"]


async def test_an_event_has_so_many_lists(lists):
    for n in range(LISTS_MAX - 1):
        await lists.create("evt", f"lst_{n}", ListRules("A"), "usr_1", b"")
    with pytest.raises(TooMany):
        await lists.create("evt", "lst_more", ListRules("A"), "usr_1", b"")
    assert await lists.create("evt", "lst_0", ListRules("A"), "usr_1", b"")


async def test_a_change_counts_and_needs_what_was_seen(lists):
    first = await lists.find("evt", "main")
    assert first is not None
    rules = {"reentry": True, "opens_at": OPENS}
    changed = await lists.edit("evt", "main", rules, (first.revision,))
    assert (changed.reentry, changed.revision) == (True, first.revision + 1)
    assert (await lists.edit("evt", "main", rules, None)).revision == changed.revision
    with pytest.raises(Stale):
        await lists.edit("evt", "main", {"name": "Other"}, (first.revision,))


async def test_two_who_edit_at_once_change_both_what_they_gave(lists):
    await lists.find("evt", "main")
    await asyncio.gather(
        lists.edit("evt", "main", {"name": "Door"}, None),
        lists.edit("evt", "main", {"categories": ["1"]}, None),
        lists.edit("evt", "main", {"opens_at": OPENS}, None),
    )
    found = await lists.edit("evt", "main", {"opens_at": None}, None)
    assert (found.name, found.reentry, found.opens_at, found.categories) == (
        "Door",
        False,
        None,
        ["1"],
    )
