"""The bench of what it costs to tell somebody: all of it is written, in turns."""

from contextlib import AsyncExitStack

import pytest

from bench import enqueue
from bench.enqueue import PUTS, conclude, measure, open_connection
from bench.lab import Lab


@pytest.mark.postgres
async def test_each_is_written_once_a_round(server_url, tmp_path, monkeypatch):
    monkeypatch.setattr(enqueue, "WARM", 10)
    monkeypatch.setattr(enqueue, "PER_TRANSACTION", 10)
    lab = Lab(directory=tmp_path, admin_url=server_url, store_pids=[])
    async with AsyncExitStack() as stack:
        connection = await open_connection(stack, lab)
        took = await measure(connection, 20)
        counts = {
            table: await connection.fetchval(f"SELECT count(*) FROM {table}")
            for table in ("notice", "mail", "hook_delivery")
        }
    assert {name: len(times) for name, times in took.items()} == dict.fromkeys(PUTS, 20)
    # A notice has a mail of its own.
    assert counts == {"notice": 30, "mail": 60, "hook_delivery": 30}


def test_what_is_too_dear_is_told():
    took = {"nothing": [0.5], "mail": [0.1], "hook": [0.2], "notice": [0.21]}
    (missed,) = conclude(took, {}, {}).judged()
    assert missed == "notice, p50: 0.21 ms, more than 0.2"
