"""`kill -9` of the process that draws: another one goes on to the one order."""

import signal
import subprocess
import sys

import pytest

from inventory.changes import EntrantsFixed, LineDrawn, LineFed
from server.base.paths import import_path
from tests.server.events.line.drawer.hall import open_hall

pytestmark = pytest.mark.postgres
NAMES = [f"u{n}" for n in range(7)]
DEATHS = [
    *("begin", "note_listed", "note_fixed", "note_beacon"),
    *("note_order", "note_drawn", "take", "note_done"),
]
"""Each process gets one step further than the one before."""

LET_GO = "UPDATE event_head SET lease_until = '-infinity'"
"""Nobody waits here for the lease of who died."""


def draw_until(url: str, statement: str) -> int:
    """Draw in a process of its own; return how it ended."""
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "tests.server.events.line.drawer.dying"),
            *(url, statement),
        ],
        env={"PYTHONPATH": import_path()},
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


async def test_a_process_dies_at_each_step_and_there_is_one_order(database_url):
    async with open_hall(database_url) as hall:
        await hall.put()
        await hall.gather(*NAMES)
    known = []
    for statement in [*DEATHS, ""]:
        status = draw_until(database_url, statement)
        assert status == (-signal.SIGKILL if statement else 0)
        async with open_hall(database_url, people=False) as hall:
            await hall.room.house.pool.fetch(LET_GO)
            listed = await hall.lists.find("evt", 1)
            if listed is not None and listed.order_key is not None:
                known.append((listed.beacon, listed.order_key))
    assert len(known) == len(DEATHS) + 1 - DEATHS.index("note_drawn")
    assert len(set(known)) == 1
    async with open_hall(database_url, people=False) as hall:
        changes = await hall.changes()
        for kind in (EntrantsFixed, LineDrawn, LineFed):
            assert len([one for one in changes if isinstance(one, kind)]) == 1
        assert [rank for _, rank in await hall.ranks()] == list(range(1, 8))
        told = "\n".join((await hall.verify()).lines())
        assert told.splitlines()[-1].startswith("whole"), told
