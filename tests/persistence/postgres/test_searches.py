"""Searches of long lists: every page is right, and none looks through the list."""

import json

import pytest

from persistence.events.attendees import _SEARCH_EVENT as OF_ATTENDEES
from persistence.events.attendees import Attendees
from persistence.events.bookings import _SEARCH_EVENT as OF_BOOKINGS
from persistence.events.bookings import Bookings, Wanted
from persistence.events.persons import _SEARCH as OF_PERSONS
from persistence.events.persons import Persons
from persistence.people.organisations import _SEARCH as OF_ORGANISATIONS
from persistence.people.organisations import Organisations
from persistence.people.users import Users, _search
from persistence.postgres.searches import WALKED

pytestmark = pytest.mark.postgres

ROWS = WALKED + 400
# The first of each list are near, the last are far; in between every 40th is rare.
NAME = """
CASE WHEN n <= 60 THEN 'Near' WHEN n > $1 - 60 THEN 'Far' WHEN n % 40 = 0 THEN 'Rare'
    ELSE 'Other' END
"""
FILL = (
    f"""
INSERT INTO account (user_id, email, email_key, password_hash, role, name, created_at)
SELECT 'usr_' || n, n || '@a.org', n || '@a.org', 'h', 'customer', {NAME},
    now() - n * interval '1 s'
FROM generate_series(1, $1::int) n
""",
    """
INSERT INTO venue (venue_id, name, map, seats, area_capacities, categories, created_by,
    request_hash)
SELECT 'ven', '', '', 0, '{5}', '[]', '', '' FROM generate_series($1, $1::int)
""",
    """
INSERT INTO event (event_id, venue_id, initial_settings, settings, name, status,
    starts_at, created_by, request_hash)
SELECT 'evt', 'ven', '{}', '{"cancel_until_s": 0}', '', 'on_sale', now(), '', ''
FROM generate_series($1, $1::int)
""",
    """
INSERT INTO booking (booking_id, event_id, reference, user_id, version, seats, areas)
SELECT 'bok_' || n, 'evt', 'R' || n, 'usr_' || n, $1 + 1 - n,
    jsonb_build_array('A-' || n), '{}'
FROM generate_series(1, $1::int) n
""",
    f"""
INSERT INTO attendee (attendee_id, event_id, email, email_key, name, user_id,
    request_hash, driven_until, created_at)
SELECT 'att_' || n, 'evt', n || '@a.org', n || '@a.org', {NAME}, '', '', now(),
    now() - n * interval '1 s'
FROM generate_series(1, $1::int) n
""",
    f"""
INSERT INTO person (person_id, keeper_id, email, email_key, name, created_by,
    request_hash, created_at)
SELECT 'per_' || n, 'usr_1', n || '@a.org', n || '@a.org', {NAME}, 'usr_1', '',
    now() - n * interval '1 s'
FROM generate_series(1, $1::int) n
""",
    f"""
INSERT INTO organisation
    (organisation_id, name, description, created_by, request_hash, created_at)
SELECT 'org_' || n, {NAME}, '', '', '', now() + n * interval '1 s'
FROM generate_series(1, $1::int) n
""",
)
FOUND = {
    "near": list(range(1, 61)),
    "far": list(range(ROWS - 59, ROWS + 1)),
    "rare": list(range(80, ROWS - 59, 40)),
    "a.org": list(range(1, 41)),
    "nowhere": [],
}


@pytest.fixture
async def filled(store):
    """Fill each list with so many rows that no walk sees all."""
    for sql in FILL:
        await store.query(sql, ROWS)
    # The index, too, has all words in their places then.
    await store.query("VACUUM ANALYZE")
    return store


def pages_of(pool):
    """Give what reads a page of each list, after a cursor."""
    users = Users(pool, token_s=1, alone_s=1)

    async def bookings(text, cursor):
        rows = await Bookings(pool).list_of_event(
            "evt", Wanted(), text=text, below=cursor, limit=26
        )
        ids = [one.booking for one, _ in rows[:25]]
        return ids, rows[24][0].version if len(rows) > 25 else None

    async def attendees(text, cursor):
        rows, cursor = await Attendees(pool).list_of_event(
            "evt", text=text, limit=25, cursor=cursor
        )
        return [one.attendee_id for one in rows], cursor

    async def of_users(text, cursor):
        rows, cursor = await users.search(text=text, limit=25, cursor=cursor)
        return [one.user_id for one in rows], cursor

    async def persons(text, cursor):
        rows, cursor = await Persons(pool).list_of(
            "usr_1", text=text, limit=25, cursor=cursor
        )
        return [one.person_id for one in rows], cursor

    async def organisations(text, cursor):
        rows, cursor = await Organisations(pool).list_of(
            "", reach="all", text=text, limit=25, cursor=cursor
        )
        return [one.organisation_id for one in rows], cursor

    return bookings, attendees, of_users, persons, organisations


async def test_all_pages_of_each_search_have_what_is_to_be_found(filled):
    for read in pages_of(filled.pool):
        for text, wanted in FOUND.items():
            if read.__name__ == "organisations" and text == "a.org":
                continue
            found, cursor = await read(text, None)
            while cursor is not None and len(found) < len(wanted):
                more, cursor = await read(text, cursor)
                found += more
            numbers = [int(name.partition("_")[2]) for name in found]
            assert numbers[: len(wanted)] == wanted, (read.__name__, text)
            assert text == "a.org" or cursor is None


async def test_what_is_found_is_counted(filled):
    pool = filled.pool
    for text in ("near", "far", "rare", "nowhere"):
        count = len(FOUND[text])
        assert await Bookings(pool).count_of_event("evt", Wanted(), text=text) == count
        assert await Attendees(pool).count_of_event("evt", text=text) == count
        assert await Persons(pool).count_of("usr_1", text=text) == count
        users = Users(pool, token_s=1, alone_s=1)
        assert await users.count(text=text) == count
        found = await Organisations(pool).count_of("", reach="all", text=text)
        assert found == count


ASKED = {
    "booking": (
        OF_BOOKINGS,
        lambda text: ("evt", None, None, None, 25, None, None, text, False),
    ),
    "attendee": (OF_ATTENDEES, lambda text: ("evt", 25, None, None, None, text)),
    "person": (OF_PERSONS, lambda text: ("usr_1", 25, None, None, text)),
    "organisation": (
        OF_ORGANISATIONS,
        lambda text: ("", 25, "all", None, None, None, text),
    ),
    "account": (_search("deleted_at IS NULL", "$1", "25"), lambda text: (text,)),
}


def nodes_of(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes_of(inner)


async def plan_of(store, sql, values):
    async with store.pool.transaction() as connection:
        # Of so few rows all are read as soon; that they are not is about the form.
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_hashjoin = off")
        await connection.execute("SET LOCAL enable_mergejoin = off")
        found = await connection.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *values
        )
    return list(nodes_of(json.loads(found)[0]["Plan"]))


async def test_along_a_list_no_more_rows_are_read_than_a_walk_has(filled):
    for table, (search, values) in ASKED.items():
        for text in ("far", "a.org"):
            for node in await plan_of(filled, search.along, values(text)):
                read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                assert read * node["Actual Loops"] <= WALKED, (table, text, node)


async def test_what_few_have_is_found_by_the_index_of_words(filled):
    for table, (search, values) in ASKED.items():
        nodes = await plan_of(filled, search.indexed, values("far"))
        words = "account_words" if table == "booking" else f"{table}_words"
        used = {node.get("Index Name") for node in nodes}
        assert words in used, (table, used)


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
async def test_a_text_is_taken_apart_once_whatever_the_plan(filled, mode):
    # Asked for each row, it would take the time of a look at all of them.
    for search, values in ASKED.values():
        for sql in (search.along, search.indexed, search.counted):
            assert "search_query" in sql
            for part in sql.split("search_query")[:-1]:
                assert part.endswith("(SELECT "), sql
        async with filled.pool.transaction() as connection:
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            rows = await connection.fetch(search.indexed, *values("far"))
            assert len(rows) == 25
