"""The box office of an event: by keys, beside buyers, and over a server that dies."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.steps import seat
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.campaign


async def open_counter(page, event, where="counter"):
    """Open a page of who runs an event, and sign in where that is asked for."""
    await page.goto(f"/organise/events/{event}/{where}")
    await page.get_by_test_id("email").fill(ADMIN_EMAIL)
    await page.get_by_test_id("password").fill(ADMIN_PASSWORD)
    await page.get_by_test_id("sign-in-submit").click()


async def test_a_sale_takes_three_keys_after_choosing(shop, page):
    event = await shop.event(paid=True)
    await open_counter(page, event)
    await expect(page.get_by_test_id("seat-map")).to_be_visible()
    await page.keyboard.press("F2")
    await expect(page.get_by_test_id("quantity")).to_be_focused()
    await page.keyboard.type("2")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("pay-cash")).to_have_attribute(
        "aria-disabled", "false"
    )
    await page.keyboard.press("F8")
    await expect(page.get_by_test_id("paid-yes")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("print")).to_be_focused()
    async with page.expect_download() as saved:
        await page.keyboard.press("Enter")
    printed = await (await saved.value).path()
    assert printed.read_bytes().startswith(b"%PDF")
    order = await page.get_by_test_id("sold").get_attribute("data-order")
    made = await shop.api.good("GET", f"/v1/orders/{order}", who=shop.api.admin)
    assert (made["status"], made["attempts"][0]["provider"]) == ("confirmed", "cash")
    await page.keyboard.press("F2")
    await expect(page.get_by_test_id("quantity")).to_be_focused()


async def test_each_of_the_last_seats_is_sold_once_and_the_slower_is_told(
    shop, page, trouble
):
    trouble.forgive("409")
    event = await shop.event(paid=True)
    await open_counter(page, event)
    await page.locator(".list-part > summary").click()
    await seat(page, "A-1").click()
    await expect(page.get_by_test_id("hold-seats")).to_contain_text("A-1")
    # A buyer is faster with the one beside it, and the page has not heard of it yet.
    await page.evaluate("globalThis.WebSocket.prototype.send = () => {}")
    await shop.buy(event, seats=["A-2"])
    await page.get_by_test_id("quantity").fill("9")
    await page.get_by_test_id("pay-card").click()
    await page.get_by_test_id("paid-yes").click()
    await expect(page.get_by_test_id("sold")).to_contain_text("A-1")
    await expect(page.get_by_test_id("sold")).to_have_attribute(
        "data-status", "confirmed"
    )
    assert re.search("card", await page.get_by_test_id("sold").inner_text())
