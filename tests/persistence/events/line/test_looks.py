"""Reads that are asked for at once go together, and none is older than its question."""

import asyncio

import pytest

from persistence.events.line.looks import KEYS_PER_READ_MAX, Looks


class Table:
    """What is read here; reading waits until it is let go on."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}
        self.asked: list[list[int]] = []
        self.going = asyncio.Event()
        self.going.set()
        self.begun = asyncio.Event()
        self.fault: Exception | None = None

    async def read(self, keys: list[int]) -> dict[int, str]:
        self.asked.append(keys)
        self.begun.set()
        found = {key: self.rows[key] for key in keys if key in self.rows}
        await self.going.wait()
        if self.fault is not None:
            raise self.fault
        return found


async def test_what_is_asked_for_at_once_is_one_read():
    table = Table()
    table.rows = {1: "one", 2: "two"}
    looks = Looks(table.read)
    found = await asyncio.gather(*(looks.find(key) for key in (1, 2, 1, 3)))
    assert found == ["one", "two", "one", None]
    assert table.asked == [[1, 2, 3]]
    assert await looks.find(2) == "two"
    assert looks.reads == 2


async def test_who_asks_while_it_is_read_has_what_is_written_by_then():
    table = Table()
    table.rows = {1: "old"}
    looks = Looks(table.read)
    table.going.clear()
    first = asyncio.ensure_future(looks.find(1))
    await table.begun.wait()
    table.rows[1] = "new"
    second = asyncio.ensure_future(looks.find(1))
    table.going.set()
    assert await asyncio.gather(first, second) == ["old", "new"]


async def test_many_are_some_reads():
    table = Table()
    looks = Looks(table.read)
    await asyncio.gather(*(looks.find(key) for key in range(KEYS_PER_READ_MAX + 1)))
    assert [len(keys) for keys in table.asked] == [KEYS_PER_READ_MAX, 1]


async def test_who_goes_away_leaves_it_to_the_others():
    table = Table()
    table.rows = {1: "one"}
    looks = Looks(table.read)
    table.going.clear()
    first, second = (asyncio.ensure_future(looks.find(1)) for _ in range(2))
    await table.begun.wait()
    first.cancel()
    await asyncio.sleep(0)
    table.going.set()
    assert await second == "one"
    assert first.cancelled()


async def test_what_goes_wrong_is_told_to_all_and_the_next_read_goes_on():
    table = Table()
    table.fault = KeyError("gone")
    looks = Looks(table.read)
    told = await asyncio.gather(looks.find(1), looks.find(2), return_exceptions=True)
    assert told == [table.fault, table.fault]
    table.fault = None
    assert await looks.find(1) is None
    table.fault = KeyError("gone again")
    with pytest.raises(KeyError):
        await looks.find(1)
