"""What one process changes, the others do not go on answering from their caches."""

from functools import partial
from typing import Any

import pytest

from tests.cluster.processes.clusters import until
from tests.contract.client import Api

pytestmark = [pytest.mark.redis, pytest.mark.slow]


async def stats(api: Api) -> dict[str, Any]:
    body = await api.good("GET", "/v1/cache/stats", who=api.admin)
    found: dict[str, Any] = body["caches"]
    return found


async def test_a_change_reaches_the_cached_reads_of_every_process(apis):
    event = await apis[0].sale()
    buyer = await apis[0].guest()
    path = f"/v1/events/{event}"
    tails = ("", "/availability")
    for number, changer in enumerate(apis):
        for api in apis:
            for tail in tails * 2:
                assert (await api.get(path + tail, buyer)).status == 200
        before = [await stats(api) for api in apis]
        wish = {"name": f"Evening {number}"}
        shown = await changer.good("PATCH", path, wish, who=changer.admin)
        held = await changer.ok(event, buyer, "hold", seats=[f"A-{number + 1}"])

        for api, was in zip(apis, before, strict=True):

            async def follows(api: Api = api, version: int = held["version"]) -> bool:
                answers = [await api.get(path + tail, buyer) for tail in tails]
                assert {answer.status for answer in answers} == {200}
                return all(one.body["version"] >= version for one in answers)

            await until(follows)
            assert (await api.get(path, buyer)).body["name"] == shown["name"]
            board = (await api.get(f"{path}/availability", buyer)).body
            assert board["seats"].count("h") == number + 1
            now = await stats(api)
            for name in ("events", "availability"):
                assert now[name]["hits"] >= was[name]["hits"]
                assert now[name]["invalidations"] > was[name]["invalidations"]


async def test_what_is_told_of_an_event_is_told_by_every_process(apis):
    event = await apis[0].sale()
    buyer = await apis[0].guest()
    path = f"/v1/events/{event}"
    for number, changer in enumerate(apis):
        for api in apis:
            assert (await api.get(path, buyer)).status == 200
        told = {"description": f"Part {number}", "tags": [f"t{number}"]}
        await changer.good("PATCH", path, told, who=changer.admin)
        # Whoever changed it tells it at once.
        assert (await changer.get(path, buyer)).body["description"] == f"Part {number}"

        async def follows(api: Api, number: int = number) -> bool:
            shown = (await api.get(path, buyer)).body
            return bool(shown["tags"] == [f"t{number}"])

        for api in apis:
            await until(partial(follows, api))


async def test_a_new_owner_is_shown_though_nothing_else_changed(machines):
    async with machines.apis() as apis:
        event = await apis[0].sale()
        for url in machines.urls:
            for api in apis:
                await api.event(event)
            # Waits until every process names this one.
            await machines.move(event, url)


async def test_a_change_drops_the_lists_of_processes_that_do_not_follow_it(apis):
    buyer = await apis[0].guest()
    event = (await apis[0].draft(name="An unheard evening"))["id"]
    for api in apis:
        await api.good("GET", "/v1/events", who=buyer)
    before = [(await stats(api))["lists"] for api in apis]
    assert all(one["entries"] for one in before)
    await apis[0].change(event, "publish")

    async def dropped(number: int) -> bool:
        # Nobody asks for a list meanwhile, which would drop an old one as well.
        now = (await stats(apis[number]))["lists"]
        assert now["misses"] == before[number]["misses"]
        return bool(now["invalidations"] > before[number]["invalidations"])

    for number in range(len(apis)):
        await until(partial(dropped, number))


async def test_clearing_empties_the_caches_of_all_processes(apis):
    event = await apis[0].sale()
    for api in apis:
        await api.event(event)
        assert (await stats(api))["events"]["entries"]
    await apis[0].good("POST", "/v1/cache/clear", who=apis[0].admin)

    async def is_empty(api: Api) -> bool:
        return not any(one["entries"] for one in (await stats(api)).values())

    for api in apis:
        await until(partial(is_empty, api))
