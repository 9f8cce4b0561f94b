"""An event while it sells, as who runs it sees and steers it."""

import pytest
from playwright.async_api import expect

from tests.browser.test_promotions import sign_in
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.campaign


async def opened(page, event):
    await page.goto(f"/organise/events/{event}")
    await sign_in(page, ADMIN_EMAIL, ADMIN_PASSWORD)
    await expect(page.get_by_test_id("cockpit-status")).to_have_text("On sale")


async def test_pausing_is_asked_once_and_buyers_are_told(shop, page, open_page):
    event = await shop.event()
    buyer = await open_page()
    await buyer.goto(f"/events/{event}")
    await expect(buyer.get_by_test_id("best-available")).to_be_enabled()
    await opened(page, event)
    await page.get_by_test_id("cockpit-pause").click()
    await page.get_by_role("button", name="Leave it").click()
    await expect(page.get_by_test_id("cockpit-status")).to_have_text("On sale")
    await page.get_by_test_id("cockpit-pause").click()
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_role("status")).to_contain_text("was paused at")
    await expect(page.get_by_test_id("cockpit-status")).to_have_text("Paused")
    await expect(buyer.get_by_text("paused").first).to_be_visible()
    await page.get_by_test_id("cockpit-resume").click()
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("cockpit-status")).to_have_text("On sale")
    await expect(buyer.get_by_test_id("best-available")).to_be_enabled()


async def test_what_others_buy_is_seen_and_goes_on_after_a_kill(shop, page, trouble):
    trouble.forgive("ERR_|503|502")
    event = await shop.event()
    await opened(page, event)
    who = await shop.api.guest()
    await shop.hold(event, who, seats=["A-1", "A-2"])
    await expect(page.get_by_test_id("tile-held")).to_contain_text("2")
    await shop.kill()
    await expect(page.get_by_role("alert").filter(has_text="reach")).to_be_visible()
    await shop.start()
    await expect(page.get_by_role("alert").filter(has_text="reach")).to_have_count(0)
    await shop.hold(event, await shop.api.guest(), seats=["A-3"])
    await expect(page.get_by_test_id("tile-held")).to_contain_text("3")
