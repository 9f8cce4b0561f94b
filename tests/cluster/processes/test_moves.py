"""Events move from process to process while they sell."""

import asyncio
import logging
import random
import signal
import time

import pytest

from tests.cluster.processes.clusters import Machines, until
from tests.cluster.processes.sale import selling
from tests.contract.client import check_problem

pytestmark = [pytest.mark.redis, pytest.mark.slow]

PAUSE_S_MAX = 30.0
"""What a busy machine may take; the usual figure, far below, is printed."""

log = logging.getLogger("cluster")


def test_a_sale_moves_around_and_nothing_is_lost(machines: Machines):
    with selling(machines) as sale:
        dice = random.Random(1)
        pauses = []
        for url in [*machines.urls, *machines.urls]:
            moved = time.monotonic()
            asyncio.run(machines.move(sale.event, url))
            pauses.append(sale.flows(moved, PAUSE_S_MAX))
            sale.run(dice.uniform(0.0, 0.3))
        log.info("longest pause of a move: %.3f s", max(pauses))
        asyncio.run(move_to_all_at_once(machines, sale.event))
        sale.flows(time.monotonic(), PAUSE_S_MAX)
        sale.settle()


async def move_to_all_at_once(machines: Machines, event: str) -> None:
    """Let each machine be told to give the event to another; they come to agree."""
    names = [(await machines.process_at(url))["process"] for url in machines.urls]
    path = "/v1/cluster/move"
    async with machines.apis() as apis:
        for _ in range(4):
            bodies = [{"event": event, "process": name} for name in names]
            asked = [
                api.request("POST", path, body, who=api.admin)
                for api, body in zip(apis, bodies, strict=True)
            ]
            await asyncio.gather(*asked)
            names = names[1:] + names[:1]

    async def agreed() -> bool:
        said = [await machines.owner(event, url) for url in machines.urls]
        return len({owner["process"] for owner in said}) == 1

    await until(agreed)


async def test_who_may_move_what_where(machines: Machines, apis):
    event = await apis[0].sale()
    owner = await machines.owner(event)
    path = "/v1/cluster/move"

    async def ask(api, who, **body):
        return await api.request("POST", path, body, who=who)

    for api in apis:
        here = {"event": event, "process": owner["process"]}
        check_problem(await ask(api, await api.guest(), **here), 403)
        check_problem(await ask(api, None, **here), 401)
        nobody = await ask(api, api.admin, event=event, process="nobody.0.0000")
        check_problem(nobody, 404)
        none = await ask(api, api.admin, event="evt_none", process=owner["process"])
        check_problem(none, 404)
        assert (await ask(api, api.admin, **here)).status == 202
    for url in machines.urls:
        assert await machines.owner(event, url) == owner


@pytest.mark.campaign
def test_one_of_several_stops_in_order_and_comes_back(machines: Machines):
    with selling(machines) as sale:
        url = asyncio.run(machines.owner(sale.event))["address"]
        server = machines.server_at(url)
        assert server.process is not None
        told = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        pause_s = sale.flows(told, PAUSE_S_MAX)
        assert server.process.wait(10) == 0
        log.info("stopped in %.2f s, pause %.3f s", time.monotonic() - told, pause_s)
        server.process = None
        assert "Traceback" not in server.log()
        sale.run(0.3)
        server.start()
        asyncio.run(machines.move(sale.event, url))
        sale.run(0.3)
        sale.settle()
