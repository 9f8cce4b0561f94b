"""Three machines at once, each with the job and a sender: nobody hears twice of it."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

import pytest

from tests.post_office import PostOffice
from tests.server.people.notices import machine
from tests.server.people.notices.test_job import begins_in

pytestmark = pytest.mark.postgres

BUYERS = [f"buyer {number}" for number in range(6)]


async def start(database_url: str, smtp: str) -> Process:
    """Return a machine that waits for the word."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", machine.__name__, database_url, smtp),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def test_a_reminder_comes_once_though_three_machines_run_the_job(
    counter, database_url
):
    for user in BUYERS:
        await counter.buy(1, user)
    await counter.follow()
    pool = counter.shop.pool
    await pool.fetch("DELETE FROM mail")
    await begins_in(counter, 23)
    office = PostOffice().open()
    try:
        machines = [await start(database_url, office.url) for _ in range(3)]
        ends = await asyncio.gather(*(one.communicate(b"\n") for one in machines))
        assert len(ends) == 3
        assert [one.returncode for one in machines] == [0, 0, 0]
    finally:
        office.close()
    told = await pool.fetch("SELECT user_id FROM notice WHERE kind = 'reminder'")
    assert sorted(row["user_id"] for row in told) == BUYERS
    # One mail for each, and each was sent by one of them.
    assert len({one["Message-ID"] for one in office.mails}) == len(BUYERS)
    assert len(office.mails) == len(BUYERS)
    (row,) = await pool.fetch("SELECT max(attempts) AS most FROM mail")
    assert row["most"] == 1
