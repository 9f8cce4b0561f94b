"""An order and its tickets, as their buyer sees them."""

import re

from playwright.async_api import expect

from tests.browser.conftest import PHONE
from tests.browser.own import become, codes_on
from tests.browser.shop import BUYER


async def order_of(shop, who, seats):
    """Order some seats that have to be paid, and return the order unpaid."""
    event = await shop.event(paid=True)
    held = await shop.hold(event, who, seats=seats)
    body = {"event": event, "hold": held["hold"], "buyer": BUYER}
    return await shop.api.good("POST", "/v1/orders", body, who=who)


async def test_a_paid_order_shows_tickets_that_open_without_a_network(
    shop, page, open_page, trouble
):
    # That the network is off is what it is about.
    trouble.forgive("ERR_INTERNET_DISCONNECTED|ERR_FAILED")
    who = await shop.api.guest()
    order = await order_of(shop, who, ["A-1", "A-2"])
    await page.set_viewport_size(PHONE)
    await become(page, who)
    await page.goto(f"/orders/{order['order']}")
    status = page.get_by_test_id("order-status")
    await expect(status).to_have_text("payment pending")
    await expect(page.get_by_role("timer")).to_have_text(re.compile(r"1[45]:\d\d"))

    # Paid in another tab, this one hears of it.
    other = await page.context.new_page()
    await other.goto(await page.get_by_test_id("pay").get_attribute("href"))
    await other.get_by_test_id("gateway-pay").click()
    await expect(other.get_by_test_id("order-status")).to_have_text("confirmed")
    await other.close()
    await expect(status).to_have_text("confirmed")
    await expect(page.get_by_test_id("ticket-qr")).to_have_count(2)
    found = await shop.settled(order["order"], who)
    numbers = [one["number"] for one in found["tickets"]]
    await expect(page.get_by_test_id("ticket-number")).to_have_text(numbers)

    first = found["tickets"][0]
    await page.get_by_role("link", name=first["number"]).click()
    await expect(page.get_by_test_id("ticket-qr")).to_be_visible()
    assert await codes_on(page) == [first["code"]]
    await page.get_by_role("button", name="Show it large and bright").click()
    await expect(page.get_by_test_id("ticket-bright")).to_be_visible()
    assert await codes_on(page) == [first["code"]]
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("ticket-bright")).to_be_hidden()

    await page.evaluate("navigator.serviceWorker.ready")
    await page.context.set_offline(True)
    await page.reload()
    await expect(page.get_by_text("Without a network")).to_be_visible()
    await expect(page.get_by_test_id("ticket-number")).to_have_text(first["number"])
    assert await codes_on(page) == [first["code"]]
