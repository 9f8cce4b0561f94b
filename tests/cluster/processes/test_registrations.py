"""Registrations, cancellations and counts, whichever process is asked."""

import asyncio
import secrets
from typing import Any

import pytest

from tests.cluster.processes.test_any_process import split
from tests.contract.client import Api, check_problem

pytestmark = [pytest.mark.redis, pytest.mark.slow]

WAIT_S = 60.0


async def test_an_address_registers_once_wherever_it_comes(apis):
    event = await apis[0].sale(None, capacity=2, registration="open")
    owner, others = await split(apis, event)
    email, guest = f"{secrets.token_hex(6)}@example.org", await owner.guest()
    path = f"/v1/events/{event}/attendees"
    body, key = {"email": email, "name": "Olga"}, {"Idempotency-Key": "once"}

    async def register(api: Api) -> Any:
        return await api.request("POST", path, body, who=guest, headers=key)

    answers = [await register(api) for api in (*others, owner)]
    assert [answer.status for answer in answers] == [201, 201, 201]
    assert answers[0].body == answers[1].body == answers[2].body
    stranger = await others[1].guest()
    for api in apis:
        again = await api.request("POST", path, body, who=stranger)
        assert check_problem(again, 409)["code"] == "already_registered"
        listed = await api.good("GET", path, who=api.admin)
        assert [one["status"] for one in listed["items"]] == ["registered"]
    booking = answers[0].body["booking"]
    done = await others[1].good(
        "POST", f"/v1/bookings/{booking}/cancel", who=others[1].admin
    )
    assert done["status"] == "cancelled"
    shown = await others[0].good("GET", f"{path}/{answers[0].body['id']}", who=guest)
    assert shown["status"] == "cancelled"
    await others[0].audit(event)


async def test_all_processes_together_count_everything_once(apis):
    event = await apis[0].sale(None, capacity=60, max_per_user=60)
    guests = await apis[0].guests(3)

    async def trade(api: Api, who: Any) -> None:
        for n in range(8):
            held = await api.ok(event, who, "hold", areas={"GA": 2})
            if n % 2:
                await api.ok(event, who, "release", hold=held["hold"])
                continue
            made = await api.ok(event, who, "book", hold=held["hold"])
            if n % 4:
                await api.ok(event, who, "cancel", booking=made["booking"])

    await asyncio.gather(*map(trade, apis, guests))
    path = f"/v1/events/{event}/analytics"
    counts = {"holds": 24, "bookings": 12, "released": 12, "cancellations": 6}
    async with asyncio.timeout(WAIT_S):
        while True:
            shown = await apis[1].good("GET", path, who=apis[1].admin)
            if all(shown[name] >= count for name, count in counts.items()):
                break
            await asyncio.sleep(0.1)
    assert {name: shown[name] for name in counts} == counts
    assert (shown["seats_booked"], shown["sold"]) == (24, 12)
    for api in apis:
        same = await api.good("GET", path, who=api.admin)
        assert {name: same[name] for name in counts} == counts
