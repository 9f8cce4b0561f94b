from playwright.async_api import expect

from tests.browser.conftest import PHONE
from tests.browser.door import open_door, pair, scan
from tests.browser.until import until


async def test_a_gate_lets_in_once_says_who_was_in_before_and_takes_back(
    shop, open_page
):
    door = await open_door(shop)
    page = await open_page(viewport=PHONE)
    await pair(page, door, "North")
    await expect(page.get_by_test_id("scan-input")).to_be_focused()
    await scan(page, door.code(0), "ok")
    await expect(page.get_by_test_id("scan-result")).to_contain_text("GA")
    await scan(page, door.code(0), "already_in")
    await expect(page.get_by_test_id("scan-result")).to_contain_text("North")
    await scan(page, door.forged(1), "bad_signature")
    await scan(page, "https://example.org/poster", "bad_signature")
    assert (await door.counts())["in"] == 1
    await scan(page, door.code(1), "ok")
    await page.get_by_test_id("scan-undo").click()
    await expect(page.get_by_test_id("scan-result")).to_have_attribute(
        "data-result", "undone"
    )

    async def is_taken_back() -> bool:
        return bool((await door.counts())["in"] == 1)

    await until(is_taken_back)
    await scan(page, door.code(1), "ok")
    # The frame `gate` tells it, and so would asking.
    await expect(page.get_by_test_id("counts")).to_have_attribute("data-in", "2")
    assert door.key not in page.url


async def test_with_one_list_a_device_scans_at_once(shop, page):
    door = await open_door(shop, 1)
    await page.goto(f"/checkin/{door.event}")
    await page.get_by_test_id("device-key").fill(door.key)
    await page.get_by_test_id("device-pair").click()
    await expect(page.get_by_test_id("scan-input")).to_be_focused()
    await scan(page, door.code(0), "ok")
    await page.reload()
    await expect(page.get_by_test_id("scan-input")).to_be_focused()
    await scan(page, door.code(0), "already_in")
