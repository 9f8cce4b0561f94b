"""A process is killed between any two steps of sending: nothing is lost or changed."""

import asyncio
import signal
import sys

import pytest

from tests.server.people.hooks import doomed
from tests.server.people.hooks.conftest import SECRET

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("step", doomed.STEPS)
async def test_whoever_comes_after_a_kill_sends_it(desk, receiver, database_url, step):
    made = await desk.make()
    await desk.raise_("a", "b")
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", doomed.__name__, database_url, SECRET, step)
    )
    assert await child.wait() == -signal.SIGKILL
    before = receiver.ids()
    if step != "given back":
        # Until its lease is over nobody else has the hook.
        assert await desk.sender.begin() == 0
    await desk.now()
    await desk.sender.settle()
    told = await desk.told()
    assert {one.state for one in told.values()} == {"sent"}
    known = [told[one].delivery_id for one in "ab"]
    assert before == {"taken": [], "given back": known}.get(step, known[:1])
    # What was not noted comes once more, with its id; what was noted does not.
    again = known[:1] if step == "answered" else []
    assert sorted(receiver.ids()) == sorted([*known, *again])
    assert len(receiver.verified(made.secret)) == len(receiver.got)
