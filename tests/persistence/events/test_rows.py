"""Lists of events: what is found, in which order, and where a page begins."""

import base64

import msgspec
import pytest

from persistence.errors import BadCursor
from persistence.events.details import DetailsChange
from persistence.events.rows import EventFilter, Sort, list_statement
from tests.persistence.catalogue import book, make_events
from tests.persistence.journals import NOW_MS, SETTINGS

pytestmark = pytest.mark.postgres

SORTS: dict[Sort, list[int]] = {
    "starts_at": [0, 1, 2, 3, 4],
    "-starts_at": [4, 3, 2, 1, 0],
    "name": [2, 1, 3, 0, 4],
    "-name": [4, 0, 3, 1, 2],
    "created_at": [0, 1, 2, 3, 4],
    "-created_at": [4, 3, 2, 1, 0],
    "registrations": [0, 1, 3, 2, 4],
    "-registrations": [4, 2, 3, 1, 0],
}
BOOKED = [0, 0, 2, 1, 5]


async def listed(store, limit=10, sort="starts_at", **wanted):
    """The numbers of the events on all pages."""
    found, cursor = [], None
    while True:
        page, cursor = await store.catalog.list_events(
            EventFilter(**wanted), limit=limit, sort=sort, cursor=cursor
        )
        found += [int(row.event[3:]) for row in page]
        if cursor is None:
            return found
        assert len(page) == limit


async def test_each_sort_gives_its_order_in_pages_of_any_size(store):
    await make_events(store)
    for number, count in enumerate(BOOKED):
        if count:
            await book(store, f"evt{number}", count)
    assert await store.catalog.popularity.count() == 3
    for sort, expected in SORTS.items():
        for limit in (1, 2, 5):
            assert await listed(store, limit, sort) == expected, (sort, limit)


async def test_pages_go_on_after_the_last_row_whatever_came_meanwhile(store):
    await make_events(store)
    page, cursor = await store.catalog.list_events(limit=2, sort="name")
    assert [row.settings.name for row in page] == ["Aida", "b-Moll"]
    early = msgspec.structs.replace(SETTINGS, name="Aaa", sale_state="on_sale")
    await store.catalog.create_event(
        "evt9", early, venue="ven", created_by="usr", request_hash=b""
    )
    await store.query("UPDATE event SET deleted_at = now() WHERE event_id = 'evt1'")
    rest, end = await store.catalog.list_events(limit=9, sort="name", cursor=cursor)
    assert [row.event for row in rest] == ["evt3", "evt0", "evt4"]
    assert end is None


async def test_a_cursor_is_good_for_its_own_sort_only(store):
    await make_events(store)
    for sort in SORTS:
        _, cursor = await store.catalog.list_events(limit=1, sort=sort)
        for other in SORTS:
            if other != sort:
                with pytest.raises(BadCursor):
                    await store.catalog.list_events(limit=1, sort=other, cursor=cursor)


@pytest.mark.parametrize(
    ("sort", "position"),
    [
        ("starts_at", ["starts_at", "text", "evt"]),
        ("starts_at", ["starts_at", 2**62, "evt"]),
        ("starts_at", ["starts_at", 1]),
        ("name", ["name", 5, "evt"]),
        ("name", ["name", "a\0", "evt"]),
        ("registrations", ["registrations", 2**63, "evt"]),
        ("registrations", ["registrations", "many", "evt"]),
    ],
)
def test_a_made_up_position_is_refused(sort, position):
    cursor = base64.urlsafe_b64encode(msgspec.msgpack.encode(position)).decode()
    with pytest.raises(BadCursor):
        list_statement(EventFilter(), sort, cursor, 1)


async def test_a_text_is_in_the_name_or_its_words_begin_others(store):
    await make_events(store)
    details = store.catalog.details
    await details.edit("evt0", DetailsChange(description="Mozart, 1791"), user="usr")
    await details.edit("evt2", DetailsChange(tags=("verdi", "oper")), user="usr")
    await details.edit("evt4", DetailsChange(category="Oper"), user="usr")
    for text, expected in {
        "FLÖT": [0],
        "moz": [0],
        "ozart": [],
        "oper": [2, 4],
        "verdi aid": [2],
        "verdi mozart": [],
        "großes": [0, 1, 2, 3, 4],
        "b-mo": [1, 3],
        "haus čap": [4],
        "%": [],
        "_": [],
        "\\": [],
        "'": [],
        "' | oper": [2, 4],
        "' | haus :* & !čap": [4],
        "   ": [],
        "🎭": [],
    }.items():
        assert await listed(store, text=text) == expected, text


async def test_filters_apply_together(store):
    await make_events(store, category="Concert", tags=("loud", "late"))
    await store.catalog.details.edit(
        "evt1", DetailsChange(category=None, tags=("loud",)), user="usr"
    )
    assert await listed(store, category="cONCERT") == [0, 2, 3, 4]
    assert await listed(store, tags=("loud",)) == [0, 1, 2, 3, 4]
    assert await listed(store, tags=("late", "loud")) == [0, 2, 3, 4]
    assert await listed(store, tags=("late",), text="b-mo", category="concert") == [3]
    assert await listed(store, venue="ven", from_ms=NOW_MS + 3) == [3, 4]
    assert await listed(store, venue="evt0") == []
    assert await listed(store, organisation="org") == []
