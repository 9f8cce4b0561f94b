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
        # It has the list of tickets once it says how many there are.
        await expect(gate.get_by_test_id("counts")).to_contain_text("2")
        await gate.context.set_offline(True)
    await scan(gates[0], first, "ok")
    await scan(gates[0], first, "already_in")
    await scan(gates[0], second, "ok")
    await scan(gates[1], first, "ok")
    await scan(gates[1], first[:-4] + "AAAA", "bad_signature")

    async def count(which: str) -> int:
        path = f"/v1/events/{event}/checkin/counts"
        told = await shop.api.good("GET", path, who=shop.api.admin)
        return int(told["lists"][0][which])

    async def both_are_in() -> bool:
        return await count("in") == 2

    await gates[0].context.set_offline(False)
    await until(both_are_in)
    await gates[1].context.set_offline(False)
    await expect(gates[1].get_by_test_id("alarms")).to_contain_text("A-1")
    assert (await count("in"), await count("double")) == (2, 1)
    for gate in gates:
        counts = gate.get_by_test_id("counts")
        await expect(counts).to_have_attribute("data-double", "1")
