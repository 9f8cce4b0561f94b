"""When two addresses are one; and that the migration thinks the same."""

import random
import unicodedata
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.people.addresses import address_key, ascii_domain, in_ascii_domain
from persistence.postgres.migrate import MIGRATIONS

KEY = "jürgen@xn--mnchen-3ya.de"


@pytest.mark.parametrize(
    "typed",
    [
        "jürgen@münchen.de",
        "ju\u0308rgen@mu\u0308nchen.de",
        "Jürgen@MÜNCHEN.DE",
        " JU\u0308RGEN@xn--mnchen-3ya.de ",
        "jürgen@XN--MNCHEN-3YA.DE",
        "jürgen@\uff4dünchen\uff0ede",
        "jürgen@münchen\u3002de",
    ],
)
def test_an_address_has_one_key_however_it_is_spelled(typed):
    assert address_key(typed) == KEY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("strauß@example.org", "strauss@example.org"),
        ("jürgen@example.org", "jurgen@example.org"),
        ("olga@straße.de", "olga@strasse.de"),
        ("o.lga@example.org", "olga@example.org"),
        ("olga+1@example.org", "olga@example.org"),
    ],
)
def test_what_may_be_two_mailboxes_stays_two(one, other):
    assert address_key(one) != address_key(other)


@pytest.mark.parametrize(
    ("domain", "known_as"),
    [
        ("Example.ORG", "example.org"),
        ("straße.de", "xn--strae-oqa.de"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("i❤.ws", "xn--i-7iq.ws"),
        ("💩.la", "xn--ls8h.la"),
        ("a_b.x-", "a_b.x-"),
        ("", ""),
    ],
)
def test_a_domain_is_known_in_ascii(domain, known_as):
    assert ascii_domain(domain) == known_as
    assert ascii_domain(known_as) == known_as


def test_mail_goes_to_the_domain_in_ascii_and_to_the_name_as_it_was_typed():
    assert in_ascii_domain("Jürgen@MÜNCHEN.de") == "Jürgen@xn--mnchen-3ya.de"
    assert in_ascii_domain("nobody") == "nobody"


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_a_key_is_its_own_key(text):
    key = address_key(f"{text}@{text}")
    local, _, domain = key.partition("@")
    if local and not set("@") & set(domain) and key == key.strip():
        assert unicodedata.is_normalized("NFC", local)
        assert address_key(key) == key


def statements(*names: str) -> str:
    """Return the functions of these names that migration 0014 makes."""
    text = Path(MIGRATIONS, "0014_search.sql").read_text("utf-8")
    parts = text.split("CREATE FUNCTION ")
    found = [part for part in parts if part.split("(")[0] in names]
    assert len(found) == len(names)
    return "".join(f"CREATE FUNCTION {part.split('$$;')[0]}$$;" for part in found)


@pytest.mark.postgres
async def test_the_migration_makes_the_same_keys(database_url):
    connection = await asyncpg.connect(database_url)
    await connection.execute(statements("pg_temp.punycode", "pg_temp.address_key"))

    typed = [
        "olga@example.org",
        "jürgen@münchen.de",
        "ju\u0308rgen@mu\u0308nchen.de",
        "jürgen@xn--mnchen-3ya.de",
        "χρήστης@παράδειγμα.ελ",
        "почта@пример.испытание",
        "ユーザー@例え.テスト",
        "olga@straße.de",
        "用户@例子.中国",
        "olga@xn--i-7iq.ws",
        "olga@💩.la",
        "olga@bücher-und-mehr.exämple.org",
    ]
    for email in typed:
        made = await connection.fetchval("SELECT pg_temp.address_key($1)", email)
        assert made == address_key(email), email
    await connection.close()


@pytest.mark.postgres
async def test_the_migration_writes_punycode(database_url):
    connection = await asyncpg.connect(database_url)
    await connection.execute(statements("pg_temp.punycode"))
    chance = random.Random(7)
    letters = "abcxyz019-äöüßéñœłøđжщяωπςعבไกनम中文京ドム가나🎭💩\u0301\u200d"
    made = [
        "".join(chance.choices(letters, k=chance.randint(1, 20))) for _ in range(500)
    ]
    made = [label for label in made if not label.isascii()]
    rows = await connection.fetch(
        "SELECT label, pg_temp.punycode(label) AS made FROM unnest($1::text[]) label",
        made,
    )
    assert len(rows) >= 400
    for row in rows:
        expected = row["label"].encode("punycode").decode("ascii")
        assert row["made"] == f"xn--{expected}"
    await connection.close()
