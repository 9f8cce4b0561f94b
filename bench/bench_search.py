"""What a search costs: `python -m bench.bench_search`.

100,000 each of accounts, bookings of one event, registrations for one event, persons of
one keeper, events and organisations, in a real Postgres, searched through the stores
that REST uses: the median and the slowest of some runs, for a text that one row has,
one that a thousand have, one that half of them have, and a single letter. The halves
lie one behind the other in a list, so that the first page of one is far away. And
events by each filter, with what counting them costs. The same rows without the column
and its index tell what these cost a write.
"""

import asyncio
import shutil
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import asyncpg
import msgspec
from cyclopts import App

from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres
from persistence.events.attendees import Attendees
from persistence.events.bookings import Bookings, Wanted
from persistence.events.catalog import Catalog
from persistence.events.persons import Persons
from persistence.events.rows import EventFilter, Near, Sort, list_statement
from persistence.people.organisations import Organisations
from persistence.people.users import Users
from persistence.postgres.migrate import migrate
from persistence.postgres.pool import Pool

ROWS: Final = 100_000
RUNS: Final = 15
PAGE: Final = 50

# A hundred first names and a thousand last ones.
_FIRST: Final = "substr(md5('f' || n % 100), 1, 6)"
_NAME: Final = (
    f"initcap({_FIRST}) || ' Ñ' || substr(md5('l' || n % 1000), 1, 7)"
    " || CASE WHEN n > $1::int / 2 THEN ' Huld' ELSE ' Jytte' END"
)
_MAIL: Final = f"{_FIRST} || '.' || n || '@example.org'"
FILL: Final = {
    "account": f"""
INSERT INTO account (user_id, email, email_key, password_hash, role, name, created_at)
SELECT 'usr_' || n, {_MAIL}, {_MAIL}, 'h', 'customer', {_NAME},
    now() - n * interval '1 s'
FROM generate_series(1, $1::int) n
""",
    "venue": """
INSERT INTO venue (venue_id, name, map, seats, area_capacities, categories, created_by,
    request_hash)
SELECT 'ven', 'Hall', '', 0, '{5}', '[]', '', '' FROM generate_series($1, $1::int) n
""",
    "event": f"""
INSERT INTO event (event_id, venue_id, initial_settings, settings, name, status,
    starts_at, created_by, request_hash, venue_name, description, category, tags)
SELECT 'evt_' || n, 'ven', '{{}}', '{{"cancel_until_s": 0}}' || CASE
        WHEN n % 10 = 0 THEN '{{}}'
        ELSE jsonb_build_object('prices', jsonb_build_object(
            'front', jsonb_build_object('amount', n % 5000 + 1000, 'currency', 'EUR'),
            'back', jsonb_build_object('amount', n % 700 + 100, 'currency', 'EUR')))
    END, {_NAME} || ' ' || n, 'on_sale',
    now() + (n - $1::int / 2) * interval '10 min', '', '', 'Théâtre',
    repeat('Some words of it. ', 20), 'kind ' || n % 20, ARRAY['tag' || n % 200]
FROM generate_series(1, $1::int) n
""",
    "booking": """
INSERT INTO booking (booking_id, event_id, reference, user_id, version, seats, areas,
    created_at)
SELECT 'bok_' || n, 'evt_1', upper(substr(md5('r' || n), 1, 10)), 'usr_' || n, n,
    jsonb_build_array('A-' || 2 * n, 'A-' || 2 * n + 1), '{}',
    now() - n * interval '1 s'
FROM generate_series(1, $1::int) n
""",
    "attendee": f"""
INSERT INTO attendee (attendee_id, event_id, email, email_key, name, user_id,
    request_hash, driven_until, created_at)
SELECT 'att_' || n, 'evt_1', {_MAIL}, {_MAIL}, {_NAME}, '', '', now(),
    now() - n * interval '1 s'
FROM generate_series(1, $1::int) n
""",
    "person": f"""
INSERT INTO person (person_id, keeper_id, email, email_key, name, created_by,
    request_hash, created_at)
SELECT 'per_' || n, 'usr_1', {_MAIL}, {_MAIL}, {_NAME}, 'usr_1', '',
    now() - n * interval '1 s'
FROM generate_series(1, $1::int) n
""",
    "organisation": f"""
INSERT INTO organisation
    (organisation_id, name, description, created_by, request_hash, created_at)
SELECT 'org_' || n, {_NAME} || ' ' || n, '', '', '', now() - n * interval '1 s'
FROM generate_series(1, $1::int) n
""",
}
WORDS: Final = ("account", "event", "attendee", "person", "organisation")
TEXTS: Final = {
    "of one row": "{first} 77077",
    "of a thousand": "{first}",
    "of half, the newest or the oldest": "huld",
    "of the other half": "jytte",
    "a letter": "a",
}

Search = Callable[[str], Awaitable[int]]


def searches(pool: Pool) -> dict[str, Search]:
    """Return what finds a page of each, and says how long it is."""
    users = Users(pool, token_s=1, alone_s=1)
    attendees, bookings = Attendees(pool), Bookings(pool)
    organisations, persons = Organisations(pool), Persons(pool)

    async def find_users(text: str) -> int:
        return len((await users.search(text=text, limit=PAGE))[0])

    async def find_attendees(text: str) -> int:
        page, _ = await attendees.list_of_event("evt_1", text=text, limit=PAGE)
        return len(page)

    async def find_bookings(text: str) -> int:
        found = bookings.list_of_event("evt_1", Wanted(), text=text, limit=PAGE)
        return len(await found)

    async def find_seat(text: str) -> int:
        found = bookings.list_of_event(
            "evt_1", Wanted(), text="A-154154", text_is_seat=True, limit=PAGE
        )
        return len(await found)

    async def find_persons(text: str) -> int:
        return len((await persons.list_of("usr_1", text=text, limit=PAGE))[0])

    async def find_organisations(text: str) -> int:
        page, _ = await organisations.list_of("", reach="all", text=text, limit=PAGE)
        return len(page)

    async def find_events(text: str) -> int:
        # The rows without their settings, which nobody made here.
        return await page_of_events(pool, EventFilter(text=text))

    return {
        "users": find_users,
        "attendees": find_attendees,
        "bookings": find_bookings,
        "bookings by seat": find_seat,
        "persons": find_persons,
        "organisations": find_organisations,
        "events": find_events,
    }


async def page_of_events(
    pool: Pool, wanted: EventFilter, sort: Sort = "starts_at"
) -> int:
    """Return how many events a page has."""
    # The rows without their settings, which are not whole here.
    sql, values = list_statement(wanted, sort, None, PAGE)
    return min(PAGE, len(await pool.fetch(sql, *values)))


def filters(pool: Pool) -> dict[str, Callable[[], Awaitable[int]]]:
    """Return what lists events by each filter, and what counts them."""
    now = datetime.now(UTC)
    near = EventFilter(near=Near(now, timedelta(days=7)))
    asked: dict[str, EventFilter] = {
        "all": EventFilter(),
        "upcoming": EventFilter(upcoming=True),
        "free and upcoming": EventFilter(free=True, upcoming=True),
        "a common price": EventFilter(price_min=1_000, price_max=2_000),
        "a rare price": EventFilter(price_min=5_999, price_max=5_999),
        "no price at all": EventFilter(price_min=6_001),
        "a category, upcoming": EventFilter(category="KIND 7", upcoming=True),
        "a tag, not free": EventFilter(tags=("tag77",), free=False),
        "a week around": near,
        "a price in a week around": msgspec.structs.replace(near, price_max=110),
        "a currency that none has": EventFilter(currency="JPY"),
    }
    found: dict[str, Callable[[], Awaitable[int]]] = {}
    for name, wanted in asked.items():
        sort: Sort = "starts_at" if wanted.near is None else "near"
        found[name] = partial(page_of_events, pool, wanted, sort)
        found[f"{name}, counted"] = partial(Catalog(pool).count_events, wanted)
    bookings, nobody = Bookings(pool), Wanted()
    found["bookings of an event, counted"] = partial(
        bookings.count_of_event, "evt_1", nobody
    )
    found["attendees of an event, counted"] = partial(
        Attendees(pool).count_of_event, "evt_1"
    )
    return found


async def timed(name: str, ask: Callable[[], Awaitable[int]]) -> None:
    """Ask some times, and print how long that took."""
    found, took = 0, list[float]()
    for _ in range(RUNS):
        began = perf_counter()
        found = await ask()
        took.append((perf_counter() - began) * 1_000)
    print(
        f"{name}: {found} found, median {statistics.median(took):.1f} ms,"
        f" slowest {max(took):.1f} ms"
    )


async def fill(connection: Any, rows: int) -> None:
    """Make the rows, and print what their words cost."""
    for table, sql in FILL.items():
        await connection.execute("BEGIN")
        if table in WORDS:
            await connection.execute(f"ALTER TABLE {table} DROP COLUMN words")
        began = perf_counter()
        await connection.fetch(sql, rows)
        bare_s = perf_counter() - began
        await connection.execute("ROLLBACK")
        began = perf_counter()
        await connection.fetch(sql, rows)
        whole_s = perf_counter() - began
        if table not in WORDS:
            continue
        size = await connection.fetchval(f"SELECT pg_relation_size('{table}_words')")
        print(
            f"{table}: {whole_s / rows * 1e6:.0f} µs a row, {bare_s / rows * 1e6:.0f}"
            f" without words; its index has {size / 2**20:.0f} MiB"
        )
    await connection.execute("VACUUM ANALYZE")


async def measure(url: str, rows: int) -> None:
    """Fill a database, search it, and print what that took."""
    connection = await asyncpg.connect(url)
    try:
        await migrate(connection)
        await fill(connection, rows)
        first = await connection.fetchval("SELECT substr(md5('f' || 77), 1, 6)")
    finally:
        await connection.close()
    pool = await Pool.open(url)
    try:
        for name, search in searches(pool).items():
            for kind, text in TEXTS.items():
                asked = text.format(first=first)
                await timed(f"{name}, {kind} ({asked!r})", partial(search, asked))
        for name, ask in filters(pool).items():
            await timed(f"events, {name}", ask)
    finally:
        await pool.close()


app = App(name="bench_search")


@app.default
def main(rows: int = ROWS) -> None:
    """Measure a search among so many rows."""
    folder = Path(tempfile.mkdtemp(prefix="onsale-search-"))
    data = DataDirectory(folder / "data")
    data.lock()
    postgres = EmbeddedPostgres(data)
    try:
        asyncio.run(measure(postgres.start(), rows))
    finally:
        postgres.stop()
        data.unlock()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    app()
