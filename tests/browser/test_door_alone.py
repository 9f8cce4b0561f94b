"""A door without a network goes on, survives a reload, and tells what came of it."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PHONE
from tests.browser.door import open_door, pair, scan
from tests.browser.until import until

pytestmark = pytest.mark.campaign

# What a browser says by itself of a network that is not there.
NO_NETWORK = "ERR_INTERNET_DISCONNECTED|ERR_FAILED|WebSocket connection"


async def test_two_gates_one_of_them_without_a_network(shop, open_page, trouble):
    trouble.forgive(NO_NETWORK)
    door = await open_door(shop, 4)
    north, south = await open_page(viewport=PHONE), await open_page(viewport=PHONE)
    await pair(north, door, "North")
    await pair(south, door, "South")
    await north.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    await north.context.set_offline(True)
    await expect(north.get_by_test_id("connection")).to_have_attribute(
        "data-online", "false"
    )
    await scan(south, door.code(0), "ok")
    await scan(north, door.code(0), "ok")
    await expect(north.get_by_test_id("scan-offline")).to_be_visible()
    await scan(north, door.code(0), "already_in")
    await scan(north, door.forged(1), "bad_signature")
    await north.reload()
    await expect(north.get_by_test_id("connection")).to_have_attribute(
        "data-online", "false"
    )
    # It knows after the reload whom it let in, and goes on.
    await scan(north, door.code(0), "already_in")
    await scan(north, door.code(1), "ok")
    await scan(north, door.code(2), "ok")
    await north.get_by_test_id("scan-undo").click()
    # The other way round: who was here first is sent last.
    await scan(north, door.code(3), "ok")
    await scan(south, door.code(3), "ok")
    assert await door.standing(1) == "never"

    await north.context.set_offline(False)
    await expect(north.get_by_test_id("waiting")).to_have_count(0)
    alarms = north.get_by_test_id("alarms")
    await expect(alarms).to_contain_text("South")
    await expect(alarms.locator("li")).to_have_count(2)

    async def is_sent() -> bool:
        counted = await door.counts()
        return (counted["in"], counted["double"]) == (3, 2)

    await until(is_sent)
    assert [await door.standing(place) for place in range(4)] == [
        *("in", "in", "never", "in")
    ]
    await north.reload()
    await expect(alarms.locator("li")).to_have_count(2)
    await alarms.get_by_role("button").first.click()
    await expect(alarms.locator("li")).to_have_count(1)
    await scan(north, door.code(1), "already_in")
    await scan(north, door.code(2), "ok")
    assert (await door.counts())["double"] == 2
