"""Lists of events: what is found, in which order, and where a page begins."""

import base64
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from inventory.settings import Money
from persistence.errors import BadCursor
from persistence.events.details import DetailsChange
from persistence.events.rows import EventFilter, Near, Sort, list_statement
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


PRICES: list[dict[str, Money]] = [
    {},
    {"GA": Money(0, "EUR")},
    {"1": Money(1_000, "EUR"), "2": Money(5_000, "EUR")},
    {"1": Money(0, "EUR"), "2": Money(2_500, "EUR")},
    {"1": Money(3_000, "JPY"), "2": Money(3_001, "JPY")},
]
NOON = datetime(2099, 6, 15, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1_000)
HOUR_MS = 3_600_000


async def made(store, number, **settings):
    await store.catalog.create_event(
        f"evt{number}",
        msgspec.structs.replace(SETTINGS, sale_state="on_sale", **settings),
        capacity=5,
        created_by="usr",
        request_hash=b"",
    )


async def test_what_events_cost_is_known_by_every_price(store):
    for number, prices in enumerate(PRICES):
        await made(store, number, prices=prices, starts_at_ms=NOON_MS + number)
    assert await listed(store, free=True) == [0, 1]
    assert await listed(store, free=False) == [2, 3, 4]
    for lowest, highest, expected in (
        (None, 0, [0, 1, 3]),
        (1, None, [2, 3, 4]),
        (1_000, 1_000, [2]),
        (1_001, 2_499, []),
        (2_500, 4_999, [3, 4]),
        (3_002, None, [2]),
        (5_001, None, []),
        (0, 10**15, [0, 1, 2, 3, 4]),
    ):
        found = await listed(store, price_min=lowest, price_max=highest)
        assert found == expected, (lowest, highest)
    assert await listed(store, currency="JPY") == [4]
    assert await listed(store, currency="EUR", price_min=2_000) == [2, 3]
    settings = {"prices": {"2": {"amount": 7, "currency": "EUR"}}}
    await store.query(
        "UPDATE event SET settings = settings || $1::jsonb WHERE event_id = 'evt0'",
        msgspec.json.encode(settings).decode(),
    )
    assert await listed(store, price_min=7, price_max=7) == [0]


async def test_what_is_upcoming_has_not_begun_and_will(store):
    past = int(datetime(2001, 1, 1, tzinfo=UTC).timestamp() * 1_000)
    await made(store, 0, starts_at_ms=past)
    await made(store, 1, starts_at_ms=NOON_MS)
    await made(store, 2, starts_at_ms=NOON_MS + 1)
    await made(store, 3, starts_at_ms=NOON_MS + 2)
    for number, state in ((2, "cancelled"), (3, "completed")):
        await store.query(
            f"UPDATE event SET status = '{state}' WHERE event_id = 'evt{number}'"
        )
    assert await listed(store, upcoming=True) == [1]
    assert await listed(store, upcoming=False) == [0, 2, 3]


async def test_what_is_near_comes_in_order_of_its_distance_in_pages_of_any_size(store):
    hours = [0, 5, -5, 30, -40]
    for number, distance in enumerate(hours):
        await made(store, number, starts_at_ms=NOON_MS + distance * HOUR_MS)
    day = Near(NOON, timedelta(hours=30))
    ever = Near(NOON, None)
    for limit in (1, 2, 5):
        assert await listed(store, limit, "near", near=day) == [0, 1, 2, 3]
        assert await listed(store, limit, "near", near=ever) == [0, 1, 2, 3, 4]
        assert await listed(store, limit, "-starts_at", near=day) == [3, 1, 0, 2]
    assert await listed(store, 2, "near", near=day, from_ms=NOON_MS) == [0, 1, 3]
    for year in (2, 9998):
        edge = Near(datetime(year, 1, 1, tzinfo=UTC), timedelta(days=7_000))
        assert await listed(store, 2, "near", near=edge) == []
    _, cursor = await store.catalog.list_events(
        EventFilter(near=day), limit=1, sort="near"
    )
    other = EventFilter(near=Near(NOON + timedelta(hours=1), None))
    with pytest.raises(BadCursor):
        await store.catalog.list_events(other, limit=1, sort="near", cursor=cursor)


async def test_a_count_is_of_all_pages(store):
    await make_events(store)
    assert await store.catalog.count_events() == 5
    assert await store.catalog.count_events(EventFilter(text="b-mo")) == 2
    await store.query("UPDATE event SET deleted_at = now() WHERE event_id = 'evt1'")
    assert await store.catalog.count_events(EventFilter(venue="ven")) == 4
    await store.query("UPDATE event SET status = 'draft' WHERE event_id = 'evt0'")
    assert await store.catalog.count_events() == 3
    assert await store.catalog.count_venues() == 1
