import pytest

from persistence.errors import Unavailable, UnsafeServer
from persistence.postgres.durability import check_server
from tests.database import query

pytestmark = pytest.mark.postgres


async def set_for_database(url: str, setting: str) -> None:
    (row,) = await query(url, "SELECT current_database()")
    await query(url, f'ALTER DATABASE "{row[0]}" SET {setting}')


async def test_a_server_of_its_own_is_class_a(database_url):
    found = await check_server(database_url)
    assert (found.durability_class, found.problems) == ("A", [])
    assert (found.fsync, found.full_page_writes) == ("on", "on")


@pytest.mark.parametrize("level", ["off", "local", "remote_write"])
async def test_weaker_commits_are_refused(database_url, level):
    await set_for_database(database_url, f"synchronous_commit = {level}")
    with pytest.raises(UnsafeServer, match="synchronous_commit"):
        await check_server(database_url)


async def test_a_read_only_database_is_refused(database_url):
    await set_for_database(database_url, "default_transaction_read_only = on")
    with pytest.raises(UnsafeServer, match="read-only"):
        await check_server(database_url)


async def test_unsafe_accepts_it_and_says_so(database_url):
    await set_for_database(database_url, "synchronous_commit = off")
    found = await check_server(database_url, unsafe=True)
    assert found.durability_class == "unsafe"
    assert found.problems == ["synchronous_commit is off, weaker than on"]


async def test_a_server_that_does_not_answer_is_unavailable():
    with pytest.raises(Unavailable):
        await check_server("postgresql://nobody@127.0.0.1:1/none")


ADDRESSES_THAT_ARE_NONE = ["nonsense", "http://x", "postgresql://a:se/cret@host/x"]


@pytest.mark.parametrize("url", ADDRESSES_THAT_ARE_NONE)
async def test_an_address_that_is_none_is_told_in_words_and_not_quoted(url):
    with pytest.raises(Unavailable) as caught:
        await check_server(url)
    said = str(caught.value)
    assert "cret" not in said
    assert "Error" not in said
    assert "'se'" not in said


async def test_why_a_server_cannot_be_reached_is_told_in_words():
    with pytest.raises(Unavailable, match=r"^cannot connect: Connection refused$"):
        await check_server("postgresql://nobody@127.0.0.1:1/none")
