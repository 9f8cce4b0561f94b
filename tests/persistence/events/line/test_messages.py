"""What was said to lines: kept once by its id, the newest first, not for ever."""

import pytest

from persistence.events.line.lines import Lines
from persistence.events.line.messages import KEPT_MAX, Messages
from persistence.postgres.pool import Pool
from tests.persistence.events.line.places import opened

pytestmark = pytest.mark.postgres


@pytest.fixture
async def pool(database_url):
    """Connections to a database of this test's own."""
    pool = await Pool.open(database_url, size=2)
    yield pool
    await pool.close()


async def test_it_is_kept_once_and_the_oldest_go_first(pool):
    lines, messages = Lines(pool), Messages(pool)
    row = await opened(lines)
    assert row.message is None
    first = await messages.say("one", "evt", "Later.", {"de": "x"}, b"1", "olga")
    assert await messages.say("one", "evt", "Sooner.", {}, b"2", "olga") == first
    assert (first.text, first.texts, first.request_hash) == (
        "Later.",
        {"de": "x"},
        b"1",
    )
    for number in range(KEPT_MAX):
        await messages.say(f"more-{number}", "evt", "Later.", {}, b"", "olga")
    assert await messages.find("evt", "one") == first
    assert await messages.find("other", "one") is None
    last = await messages.say("last", "evt", "Last.", {}, b"", "olga")
    assert await messages.find("evt", "one") is None
    assert await messages.count_of("evt") == KEPT_MAX + 1
    (newest, _), cursor = await messages.list_of("evt", limit=2, cursor=None)
    assert newest == last
    assert cursor is not None
    line = await lines.find("evt")
    assert line is not None
    said = line.message
    assert said is not None
    assert (said.id, said.text, said.texts) == ("last", "Last.", {})
    assert said.said_at == last.said_at
