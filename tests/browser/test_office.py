"""Orders and money of an event, for who runs it: found, given back, proven."""

import json

import pytest
from playwright.async_api import APIResponse, expect

from tests.browser.conftest import WAIT_MS
from tests.browser.shop import BUYER
from tests.browser.test_counter import open_counter

pytestmark = pytest.mark.campaign


async def find(page, text):
    await page.get_by_test_id("search").fill(text)
    await page.get_by_test_id("search-go").click()
    await expect(page.get_by_test_id("found")).to_have_text("1 order")
    await page.get_by_test_id("found-order").get_by_role("link").click()
    await expect(page.get_by_test_id("attempt").first).to_be_visible()


async def test_an_order_is_found_and_one_place_goes_back_as_previewed(shop, page):
    event = await shop.event(paid=True)
    order = await shop.buy(event, seats=["A-1", "A-2"])
    await shop.buy(event, seats=["B-1"])
    await open_counter(page, event, "orders")
    await expect(page.get_by_test_id("found")).to_have_text("2 orders")
    await find(page, order["reference"])
    await page.get_by_test_id("give-lines").click()
    await page.get_by_role("checkbox", name="A-2").check()
    preview = page.get_by_test_id("preview")
    await expect(preview).to_have_attribute("data-known", "yes")
    told = await preview.locator("b").inner_text()
    await page.get_by_test_id("reason").fill("It rained <b>")
    await page.get_by_test_id("refund-yes").click()
    await expect(page.get_by_test_id("order-told")).to_contain_text(told.split()[0])
    refund = page.get_by_test_id("refund")
    await expect(refund).to_have_attribute("data-state", "settled")
    await expect(refund).to_contain_text("It rained <b>")
    seen = await shop.api.good("GET", f"/v1/orders/{order['id']}", who=shop.api.admin)
    assert [one["state"] for one in seen["lines"]] == ["live", "gone"]
    (made,) = seen["refunds"]
    assert made["amount"]["amount"] == seen["lines"][1]["gross"]
    await page.get_by_test_id("give-amount").click()
    await page.get_by_test_id("amount").fill("1.50")
    await expect(preview).to_have_attribute("data-known", "yes")
    await page.get_by_test_id("refund-yes").click()
    await expect(page.get_by_test_id("refund")).to_have_count(2)


async def test_cash_that_goes_back_is_handed_over(shop, page):
    event = await shop.event(paid=True)
    await open_counter(page, event)
    await page.get_by_test_id("quantity").fill("1")
    await page.get_by_test_id("best-available").click()
    await page.get_by_test_id("pay-cash").click()
    await page.get_by_test_id("paid-yes").click()
    await expect(page.get_by_test_id("print")).to_be_visible()
    await page.get_by_role("link", name="Show the order").click()
    await page.get_by_test_id("give-lines").click()
    await page.get_by_test_id("refund-yes").click()
    refund = page.get_by_test_id("refund")
    await expect(refund).to_have_attribute("data-state", "sent")
    await page.get_by_test_id("hand-over").click()
    await page.get_by_test_id("hand-over-yes").click()
    await expect(refund).to_have_attribute("data-state", "settled")
    await page.goto(f"/organise/events/{event}/money")
    await expect(page.get_by_test_id("books")).to_have_attribute("data-ok", "yes")
    await expect(page.get_by_test_id("ways")).to_contain_text("Cash")
    await expect(page.get_by_test_id("left")).to_have_text("€0.00")


async def test_a_cancelled_event_is_given_back_over_a_server_that_dies(
    shop, page, trouble
):
    trouble.forgive("ERR_|WebSocket|Failed to load|503")
    event = await shop.event(paid=True)
    for label in ("A-1", "A-2", "A-3", "A-4"):
        await shop.buy(event, seats=[label])
    await open_counter(page, event, "orders")
    await page.get_by_text("Cancel the whole event").click()
    await page.get_by_test_id("cancel-event").click()
    await page.get_by_test_id("cancel-sure").check()
    await page.get_by_test_id("cancel-yes").click()
    progress = page.get_by_test_id("cancelled")
    await expect(progress).to_be_visible()
    await shop.restart()
    # Whoever had the job is gone: its lease has to end first.
    await expect(progress).to_have_attribute("data-status", "done", timeout=4 * WAIT_MS)
    await expect(page.get_by_test_id("back-done")).to_have_text("4")
    path = f"/v1/events/{event}/orders"
    for one in (await shop.api.good("GET", path, who=shop.api.admin))["items"]:
        assert (one["status"], one["refund"]) == ("refunded", "full")
        assert len(one["refunds"]) == 1


async def test_the_receipt_is_checked_in_the_page_and_one_that_was_changed_is_not_good(
    shop, page
):
    event = await shop.event(paid=True)
    await shop.buy(event, seats=["A-1"])
    await open_counter(page, event, "money")
    await expect(page.get_by_test_id("captured")).to_be_visible()
    await page.get_by_test_id("audit").click()
    audited = page.get_by_test_id("audited")
    await expect(audited).to_have_attribute("data-ok", "yes")
    await expect(audited).to_have_attribute("data-seal", "good")
    async with page.expect_download() as saved:
        await page.get_by_test_id("take-receipt").click()
    text = (await (await saved.value).path()).read_text("utf-8")
    assert json.loads(text)["event"] == event

    async def forge(route):
        answer = await route.fetch()
        receipt = await answer.json()
        await route.fulfill(json={**receipt, "bookings": receipt["bookings"] + 1})

    await page.route("**/audit", forge)
    await page.get_by_test_id("audit").click()
    await expect(audited).to_have_attribute("data-seal", "changed")
    assert BUYER["email"] not in text
    async with page.expect_download() as table:
        await page.get_by_test_id("take-orders").click()
    assert "reference" in (await (await table.value).path()).read_text("utf-8-sig")


async def test_a_refund_whose_answer_is_lost_with_its_server_is_made_once(
    shop, page, trouble
):
    trouble.forgive("ERR_|WebSocket|Failed to load|503")
    event = await shop.event(paid=True)
    order = await shop.buy(event, seats=["A-1", "A-2"])
    await open_counter(page, event, "orders")
    await find(page, order["reference"])
    lost: list[APIResponse] = []

    async def lose(route):
        """Let the first one reach the server, and kill that before anybody hears."""
        if lost:
            await route.fallback()
            return
        lost.append(await route.fetch())
        await shop.kill()
        await route.abort()

    await page.route("**/refunds", lose)
    await page.get_by_test_id("give-amount").click()
    await page.get_by_test_id("amount").fill("1.50")
    await expect(page.get_by_test_id("preview")).to_have_attribute("data-known", "yes")
    again = page.get_by_test_id("refund-yes")
    await again.click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    assert lost[0].ok
    await shop.start()
    # Each asking without the same key would be another goodwill.
    await again.click()
    refund = page.get_by_test_id("refund")
    await expect(refund).to_have_attribute("data-state", "settled")
    path = f"/v1/orders/{order['id']}/refunds"
    told = await shop.api.good("GET", path, who=shop.api.admin)
    assert [one["amount"]["amount"] for one in told["items"]] == [150]


OLD_BROWSER = """
const { importKey } = SubtleCrypto.prototype;
SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...more) {
  if ((algorithm.name ?? algorithm) !== "Ed25519") {
    return importKey.call(this, format, key, algorithm, ...more);
  }
  return Promise.reject(new DOMException("no Ed25519", "NotSupportedError"));
};
"""


async def test_a_browser_without_ed25519_checks_the_receipt_all_the_same(shop, page):
    event = await shop.event(paid=True)
    await shop.buy(event, seats=["A-1"])
    await page.add_init_script(OLD_BROWSER)
    await open_counter(page, event, "money")
    audited = page.get_by_test_id("audited")
    async with page.expect_response("**/noble/ed25519*.js") as fetched:
        await page.get_by_test_id("audit").click()
    assert (await fetched.value).ok
    await expect(audited).to_have_attribute("data-seal", "good")

    async def forge(route):
        answer = await route.fetch()
        receipt = await answer.json()
        await route.fulfill(json={**receipt, "bookings": receipt["bookings"] + 1})

    await page.route("**/audit", forge)
    await page.get_by_test_id("audit").click()
    await expect(audited).to_have_attribute("data-seal", "changed")
