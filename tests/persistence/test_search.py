"""How texts are found: by words as people type them, in any order; and by an index."""

import re
import shutil
import unicodedata

import asyncpg
import pytest

from persistence.events.details import DetailsChange
from persistence.people.accounts import Account
from persistence.people.organisations import Organisations, Reach
from persistence.people.users import Users
from persistence.postgres.migrate import MIGRATIONS, migrate
from tests.persistence.journals import SETTINGS, VENUE
from tests.persistence.persons import ALONE_S, TOKEN_S, accounts_of, organised

pytestmark = pytest.mark.postgres

FOUND = [
    ("AC/DC", "ac dc"),
    ("AC/DC", "acdc"),
    ("AC/DC", "AC-DC"),
    ("AC DC", "ac/dc"),
    ("ACDC", "ac dc"),
    ("blink-182", "blink 182"),
    ("blink-182", "182 blink"),
    ("blink-182", "bli 18"),
    ("blink 182", "blink-182"),
    ("blink-182", "link"),
    ("Ñandú", "nandu"),
    ("Ñandú", "ÑANDÚ"),
    ("nandu", "Ñandú"),
    ("Ñandú", unicodedata.normalize("NFD", "Ñandú")),
    (unicodedata.normalize("NFD", "Ñandú"), "Ñandú"),
    ("Guns N' Roses", "roses guns"),
    ("Guns N' Roses", "guns n roses"),
    ("Guns N\u2019 Roses", "guns n' roses"),
    ("Sinéad O\u2019Connor", "oconnor sinead"),
    ("Sinéad O'Connor", "o connor"),
    ("R.E.M.", "rem"),
    ("Große Straße", "strasse grosse"),
    ("Grosse Strasse", "straße"),
    ("Røyksopp", "royksopp"),
    ("Björk Guðmundsdóttir", "gudmundsdottir"),
    ("Łódź", "lodz"),
    ("Ænima", "aenima"),
    ("ﬁnale", "finale"),
    ("\uff26\uff35\uff2c\uff2c", "full"),
    ("Ёлочка", "елочка"),
    ("ΟΔΥΣΣΕΑΣ", "οδυσσεας"),
    ("Ὀδυσσεύς", "οδυσσευσ"),
    ("東京ドーム", "東京"),
    ("東京ドーム", "ドーム"),
    ("フェス・東京", "東京"),
    ("ﾄﾞｰﾑ", "ドーム"),
    ("콘서트", "콘서"),
    ("शान\u094dति", "शान\u094dति"),
    ("zero\u200bwidth", "zerowidth"),
    ("OPERETTA 100%", "%"),
    ("!!!", "!!!"),
    ("P!nk", "p!nk"),
    ("P!nk", "p nk"),
    ("back\\slash 'quoted'", "back\\slash 'quoted'"),
    ("Zauberflöte", "flote"),
    ("a:* & !b", "a:* & !b"),
    ("olga.ost@example.org", "OLGA.OST@Example"),
    ("olga.ost@example.org", "@example.org"),
    ("olga.ost@example.org", "st@exa"),
    ("x" * 200, "x" * 200),
]
NOT_FOUND = [
    ("AC/DC", "ac dd"),
    ("Ñandú", "nandi"),
    ("blink-182", "blink 183"),
    ("olga-1@example.org", "olga-2@example.org"),
    ("olga-11@example.org 1", "olga-1@example.org"),
    ("jane.smith@example.org", "smith.jane@example.org"),
    ("Opera", "%"),
    ("Opera", "_"),
    ("Opera", "~"),
    ("Opera", "   "),
    ("Opera", "\\"),
    ("", "opera"),
]


@pytest.fixture
async def connection(database_url):
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def finds(connection, name: str, text: str) -> bool | None:
    sql = "SELECT search_vector($1) @@ search_query($2)"
    found: bool | None = await connection.fetchval(sql, name, text)
    return found


async def test_a_name_is_found_as_people_type_it(connection):
    for name, text in FOUND:
        assert await finds(connection, name, text) is True, (name, text)


async def test_nothing_else_is_found(connection):
    for name, text in NOT_FOUND:
        assert not await finds(connection, name, text), (name, text)


async def test_other_texts_are_found_by_the_beginnings_of_words(connection):
    sql = "SELECT search_vector('', $1) @@ search_query($2)"
    for text, found in [("moz", True), ("1791 mozart", True), ("ozart", False)]:
        assert await connection.fetchval(sql, "Mozart, 1791", text) is found
    assert await connection.fetchval(sql, "live: AC/DC", "acdc live")


async def test_the_longest_texts_are_taken(connection):
    # Eighteen letters each, once they are taken apart.
    for text in ("\ufdfa" * 10_000, "ü" * 10_000, "a-" * 5_000, "\U0001d50a" * 10_000):
        assert await connection.fetchval("SELECT search_vector('', $1)", text)
    assert await connection.fetchval("SELECT search_vector($1)", "\ufdfa" * 200)
    assert await connection.fetchval("SELECT search_query($1)", "a-" * 100)


async def test_events_are_found_by_all_that_is_told_of_them(store):
    made = {"created_by": "usr", "request_hash": b""}
    await store.catalog.create_venue("ven", "Théâtre de l\u2019Œuvre", VENUE, **made)
    await store.catalog.create_event("evt", SETTINGS, venue="ven", **made)
    details = store.catalog.details
    change = DetailsChange(description="¡Ñandúes!", tags=("rock'n'roll",))
    await details.edit("evt", change, user="usr")
    for text in ("oeuvre theatre", "nandues", "rocknroll", "rock roll", "l'oeuvre"):
        assert await found(store, text) == ["evt"], text
    await details.edit("evt", DetailsChange(description="", tags=()), user="usr")
    assert await found(store, "nandues") == []


async def found(store, text: str) -> list[str]:
    rows = await store.query(
        "SELECT event_id FROM event WHERE words @@ search_query($1)", text
    )
    return [event for (event,) in rows]


async def test_users_are_found_by_either_spelling_of_an_address(store):
    pool = store.pool
    users = Users(pool, token_s=TOKEN_S, alone_s=ALONE_S)
    wanted = Account("usr_j", "Jürgen@MÜNCHEN.de", "hash", "customer", "Jürgen Groß")
    made = await accounts_of(pool).create(wanted)
    assert made is not None
    assert made.email == "Jürgen@MÜNCHEN.de"
    for text in ("gross jurgen", "munchen", "jurgen@munchen.de", "xn--mnchen-3ya"):
        page, _ = await users.search(text=text, limit=9)
        assert [user.user_id for user in page] == ["usr_j"], text
    await accounts_of(pool).edit("usr_j", "Zoë")
    assert (await users.search(text="gross", limit=9))[0] == []
    assert len((await users.search(text="zoe", limit=9))[0]) == 1
    await accounts_of(pool).delete("usr_j")
    assert (await users.search(text="munchen", limit=9))[0] == []


async def test_organisations_are_found_by_their_names(store):
    pool = store.pool
    for name in ("anna", "bob"):
        account = Account(f"usr_{name}", f"{name}@example.org", "h", "customer", name)
        await accounts_of(pool).create(account)
    await organised(pool, "org_anna", anna="owner")
    await organised(pool, "org_bob", bob="owner")
    organisations = Organisations(pool)
    await organisations.edit("org_anna", "Théâtre AC/DC", None, None)

    async def ids(user: str, text: str, reach: Reach = "own") -> list[str]:
        page, _ = await organisations.list_of(
            user, reach=reach, text=text, limit=9, cursor=None
        )
        return [one.organisation_id for one in page]

    assert await ids("usr_anna", "dc theatre") == ["org_anna"]
    assert await ids("usr_bob", "theatre") == ["org_bob"]
    for reach in ("listed", "all"):
        assert await ids("usr_bob", "theatre", reach) == ["org_anna", "org_bob"]
        assert await ids("usr_bob", "acdc", reach) == ["org_anna"]
    await organisations.edit("org_anna", None, None, listed=False)
    assert await ids("usr_bob", "theatre", "listed") == ["org_bob"]
    assert await ids("usr_bob", "acdc", "all") == ["org_anna"]
    assert await ids("usr_anna", "acdc", "listed") == ["org_anna"], "it is hers"


MANY = """
INSERT INTO account (user_id, email, email_key, password_hash, role, name)
SELECT 'usr_' || n, n || '@example.org', n || '@example.org', 'h', 'customer',
    'Name ' || n
FROM generate_series(1, 1000) n;
INSERT INTO organisation (organisation_id, name, description, created_by, request_hash)
SELECT 'org_' || n, 'Name ' || n, '', '', '' FROM generate_series(1, 1000) n;
INSERT INTO venue (venue_id, name, map, seats, area_capacities, categories, created_by,
    request_hash)
VALUES ('ven', '', '', 0, '{5}', '[]', '', '');
INSERT INTO event (event_id, venue_id, initial_settings, settings, name, status,
    starts_at, created_by, request_hash)
SELECT 'evt_' || n, 'ven', '{}', '{}', 'Name ' || n, 'on_sale', now(), '', ''
FROM generate_series(1, 1000) n;
INSERT INTO attendee (attendee_id, event_id, email, email_key, name, user_id,
    request_hash, driven_until)
SELECT 'att_' || n, 'evt_1', n || '@example.org', n || '@example.org', 'Name ' || n, '',
    '', now()
FROM generate_series(1, 1000) n;
"""


async def test_there_is_an_index_for_each(connection):
    await connection.execute(MANY)
    await connection.execute("ANALYZE")
    # Of so few rows all are read as soon; that they are not is about the index's form.
    await connection.execute("SET enable_seqscan = off")
    for table in ("event", "account", "attendee", "organisation"):
        sql = f"SELECT FROM {table} WHERE words @@ search_query('471')"
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {sql}"))
        assert f"{table}_words" in plan, plan
        sql = f"SELECT count(*) FROM {table} WHERE words @@ search_query('name 471')"
        assert await connection.fetchval(sql) == 1


BEFORE = """
INSERT INTO account (user_id, email, password_hash, role, name, verified_at,
    created_at)
VALUES ('usr_1', 'jürgen@münchen.de', 'h', 'customer', 'Ñandú', NULL,
        '2025-1-1'),
    ('usr_2', 'jürgen@xn--mnchen-3ya.de', 'h', 'customer', 'b', now(),
        '2025-1-2'),
    ('usr_3', E'ju\\u0308rgen@mu\\u0308nchen.de', 'h', 'customer', 'c', NULL,
        '2025-1-3'),
    ('usr_4', 'olga@example.org', 'h', 'customer', 'd', NULL, '2025-1-4'),
    ('usr_5', 'eve@example.org', 'h', 'customer', 'e', NULL, '2025-1-4');
UPDATE account SET email = NULL, password_hash = NULL, name = '',
    deleted_at = now() WHERE user_id = 'usr_5';
INSERT INTO organisation
    (organisation_id, name, description, created_by, request_hash)
VALUES ('org', 'AC/DC', '', 'usr_4', '');
INSERT INTO organisation_invitation (invitation_id, organisation_id, email,
    role, code_hash, invited_by, request_hash, created_at, expires_at)
VALUES ('inv_1', 'org', 'jürgen@münchen.de', 'staff', sha256('1'), 'usr_4', '',
        '2025-1-1', '2099-1-1'),
    ('inv_2', 'org', 'jürgen@xn--mnchen-3ya.de', 'staff', sha256('2'), 'usr_4',
        '', '2025-1-2', '2099-1-1');
INSERT INTO venue (venue_id, name, map, seats, area_capacities, categories,
    created_by, request_hash)
VALUES ('ven', 'Žižkov', '', 0, '{5}', '[]', 'usr_4', '');
INSERT INTO event (event_id, venue_id, initial_settings, settings, name, status,
    starts_at, created_by, request_hash, venue_name)
VALUES ('evt', 'ven', '{}', '{}', 'blink-182', 'on_sale', now(), 'usr_4', '',
    'Žižkov');
INSERT INTO attendee (attendee_id, event_id, email, name, user_id, state,
    request_hash, driven_until, created_at, gone_at)
SELECT 'att_' || n, 'evt', email, 'Ñandú', 'usr', state, '', now(),
    '2025-1-1'::timestamptz + n * interval '1 s',
    CASE state WHEN 'gone' THEN now() END
FROM (VALUES (1, 'jürgen@münchen.de', 'gone'),
    (2, 'jürgen@münchen.de', 'pending'),
    (3, 'jürgen@xn--mnchen-3ya.de', 'pending'), (4, '', 'gone'))
    AS t(n, email, state);
"""


async def test_what_was_there_before_is_found(empty_database_url, tmp_path):
    for path in MIGRATIONS.glob("*.sql"):
        if re.match(r"00(0\d|1[0-3])_", path.name):
            shutil.copy(path, tmp_path)
    connection = await asyncpg.connect(empty_database_url)
    await migrate(connection, tmp_path)
    await connection.execute(BEFORE)
    assert "0014_search" in await migrate(connection)

    async def ids(table: str, name: str, text: str) -> list[str]:
        sql = f"SELECT {name} FROM {table} WHERE words @@ search_query($1) ORDER BY 1"
        return [row[0] for row in await connection.fetch(sql, text)]

    assert await ids("account", "user_id", "nandu") == ["usr_1"]
    assert await ids("event", "event_id", "182 zizkov") == ["evt"]
    assert await ids("organisation", "organisation_id", "ac dc") == ["org"]
    assert await ids("attendee", "attendee_id", "nandu munchen") == ["att_1", "att_2"]

    async def keys(table: str, name: str) -> dict[str, str | None]:
        rows = await connection.fetch(f"SELECT {name}, email_key FROM {table}")
        return {row[0]: row[1] for row in rows}

    key = "jürgen@xn--mnchen-3ya.de"
    # Of one address it is whoever proved to read its mails.
    assert await keys("account", "user_id") == {
        "usr_1": None,
        "usr_2": key,
        "usr_3": None,
        "usr_4": "olga@example.org",
        "usr_5": None,
    }
    assert await keys("attendee", "attendee_id") == {
        "att_1": key,
        "att_2": key,
        "att_3": None,
        "att_4": None,
    }
    assert await keys("organisation_invitation", "invitation_id") == {
        "inv_1": key,
        "inv_2": key,
    }
    (row,) = await connection.fetch(
        "SELECT invitation_id FROM organisation_invitation WHERE state = 'pending'"
    )
    assert row["invitation_id"] == "inv_2"
    await connection.close()
