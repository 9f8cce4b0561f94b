"""Two gates without a network let the same ticket in, and say so when they are back."""

import pytest
from playwright.async_api import expect

from tests.browser.steps import scan, sign_in_at_the_door
from tests.browser.until import until

pytestmark = pytest.mark.campaign


async def test_two_gates_offline_upload_what_they_let_in(shop, open_page, trouble):
    trouble.forgive("ERR_INTERNET_DISCONNECTED|WebSocket")
    event = await shop.event(paid=True)
    order = await shop.buy(event, seats=["A-1", "A-2"])
    first, second = (one["code"] for one in order["tickets"])
    gates = [await open_page(), await open_page()]
    for gate in gates:
        await sign_in_at_the_door(gate, event)
        await gate.context.set_offline(True)
    await scan(gates[0], first, "ok")
    await scan(gates[0], first, "already_in")
    await scan(gates[0], second, "ok")
    await scan(gates[1], first, "ok")
    await scan(gates[1], first[:-4] + "AAAA", "bad_signature")
    for gate in gates:
        await gate.context.set_offline(False)

    async def all_in() -> bool:
        path = f"/v1/events/{event}/checkin/counts"
        told = await shop.api.good("GET", path, who=shop.api.admin)
        return bool(told["lists"][0]["in"] == 2)

    await until(all_in)
    await expect(gates[1].get_by_test_id("alarms")).to_contain_text("A-1")
