"""Workers under one supervisor lose one of them, or all one after the other."""

import asyncio
import logging
import os
import signal
import time
from typing import Any

import pytest

from tests.cluster.processes.clusters import Workers, until
from tests.cluster.processes.sale import selling
from tests.database import query

pytestmark = [pytest.mark.redis, pytest.mark.slow]

TAKEOVER_S_MAX = 30.0
"""What a busy machine may take; the usual figure, far below, is printed."""

log = logging.getLogger("cluster")

REPLACED = '"event":"replaced the workers"'


def test_another_takes_over_when_an_owner_is_killed(workers: Workers):
    with selling(workers) as sale:
        owner = asyncio.run(workers.owner(sale.event))
        pid = asyncio.run(pid_of(workers, owner["process"]))
        sale.run(0.5)
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        took = sale.flows(killed, TAKEOVER_S_MAX)
        log.info("taken over after %.3f s", took)
        sale.run(0.5)
        counts = sale.settle()
        assert counts["ok"] > 10
        assert asyncio.run(workers.owner(sale.event))["process"] != owner["process"]
    asyncio.run(until(all_serve(workers)))


def test_a_rolling_restart_while_it_sells_loses_nothing(workers: Workers):
    former = {one["process"] for one in asyncio.run(workers.processes())}
    since, accounts = workers.home.log_size(), asyncio.run(accounts_of(workers))
    with selling(workers) as sale:
        sale.run(0.3)
        before = sale.accepted()
        began = time.monotonic()
        workers.signal(signal.SIGHUP)
        longest = 0.0
        while REPLACED not in workers.home.log(since):
            longest = max(longest, sale.flows(time.monotonic(), TAKEOVER_S_MAX))
        took = time.monotonic() - began
        log.info("replaced in %.2f s, longest pause %.3f s", took, longest)
        sale.run(0.3)
        counts = sale.settle()
        log.info("told meanwhile: %s", counts)
        assert counts["ok"] > before
        # Whoever is asked looks once a second who else lives.
        asyncio.run(until(all_serve(workers)))
        now = {one["process"] for one in asyncio.run(workers.processes())}
        assert now.isdisjoint(former)
    assert "a worker died" not in workers.home.log(since)
    assert "Traceback" not in workers.home.log(since)
    # Who signs in while a worker starts is refused where it stores the password anew.
    assert asyncio.run(accounts_of(workers)) == accounts


@pytest.mark.campaign
def test_another_node_with_a_valkey_of_its_own_is_refused(workers: Workers):
    other = Workers(workers.database_url, 2)
    try:
        with pytest.raises(RuntimeError, match="exit code 1"):
            other.start()
    finally:
        other.remove()


async def accounts_of(workers: Workers) -> list[Any]:
    """Return which transaction wrote each account of an administrator."""
    sql = "SELECT user_id, xmin::text FROM account WHERE role = 'admin'"
    return await query(workers.database_url, sql)


async def pid_of(workers: Workers, process: str) -> int:
    (found,) = [o for o in await workers.processes() if o["process"] == process]
    return int(found["pid"])


def all_serve(workers: Workers):
    """Return whether all workers are there, and answer."""

    async def check() -> bool:
        try:
            return len(await workers.processes()) == len(workers.urls)
        except OSError:
            return False

    return check
