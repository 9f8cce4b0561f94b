"""What goes wrong with a gate itself: its key, its sign-in, its browser's storage."""

import pytest
from playwright.async_api import expect

from tests.browser.door import begin, open_door, pair, scan
from tests.browser.until import until
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD
from tests.contract.teams import api_key

pytestmark = pytest.mark.campaign

BLOCKED = """
Object.defineProperty(globalThis, "indexedDB", {
  get() { throw new DOMException("blocked", "SecurityError"); },
});
"""


async def test_a_key_that_is_revoked_costs_no_scan(shop, page, trouble):
    door = await open_door(shop)
    trouble.forgive("401|404")
    made = await api_key(shop.api, door.team, ["checkin"])
    good, door.key = door.key, made["key"]
    await pair(page, door, "North")
    await scan(page, door.code(0), "ok")
    path = f"{door.team.path}/api-keys/{made['id']}"
    await shop.api.request("DELETE", path, who=door.team.owner)
    await scan(page, door.code(1), "ok")
    await scan(page, door.code(1), "already_in")
    await expect(page.locator(".door-notes")).to_contain_text("does not accept")
    assert (await door.counts())["in"] == 1
    await page.get_by_test_id("door-settings").click()
    # It asks with the key that it has, which is none any more.
    await page.get_by_test_id("device-key").fill("onsale_nothing")
    await page.get_by_test_id("device-pair").click()
    await expect(page.get_by_role("alert")).to_contain_text("does not know")
    await page.get_by_test_id("device-key").fill(good)
    await page.get_by_test_id("device-pair").click()
    await expect(page.get_by_test_id("scan-input")).to_be_visible()

    async def is_sent() -> bool:
        return bool((await door.counts())["in"] == 2)

    await until(is_sent)
    await expect(page.get_by_test_id("waiting")).to_have_count(0)


async def test_who_runs_the_event_signs_in_where_nothing_can_be_kept(
    shop, open_page, trouble
):
    trouble.forgive("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    door = await open_door(shop)
    page = await open_page()
    await page.add_init_script(BLOCKED)
    await page.goto(f"/checkin/{door.event}")
    await expect(page.locator(".note")).to_contain_text("keeps nothing")
    await page.get_by_test_id("email").fill(ADMIN_EMAIL)
    await page.get_by_test_id("password").fill(ADMIN_PASSWORD)
    await page.get_by_test_id("sign-in-submit").click()
    await begin(page, "South")
    await scan(page, door.code(0), "ok")
    # As long as it stays open, it goes on without a network, too.
    await expect(page.get_by_test_id("counts")).to_contain_text("of 3")
    await page.context.set_offline(True)
    await scan(page, door.code(0), "already_in")
    await scan(page, door.code(1), "ok")
    await page.context.set_offline(False)

    async def is_sent() -> bool:
        return bool((await door.counts())["in"] == 2)

    await until(is_sent)
