"""Bad networks, wrong clocks, blocked storage, two tabs, and the back button."""

import re
import time

import pytest
from playwright.async_api import expect

from tests.browser.steps import (
    EMAIL,
    NAME,
    ORDER,
    check_out,
    choose,
    codes_on,
    expect_confirmed,
    expect_seat,
    holds,
    open_event,
    pay,
    seat,
)

pytestmark = pytest.mark.campaign

SLOW_3G = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 50_000,
    "uploadThroughput": 50_000,
}
HOUR_MS = 3_600_000
BLOCKED = """
for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
  Object.defineProperty(globalThis, name, {
    get() { throw new DOMException("blocked", "SecurityError"); },
  });
}
"""


async def test_a_purchase_over_slow_3g(shop, page):
    event = await shop.event(paid=True)
    line = await page.context.new_cdp_session(page)
    await line.send("Network.enable")
    await line.send("Network.emulateNetworkConditions", SLOW_3G)
    await open_event(page, event)
    await choose(page, "A-1", "A-2")
    await check_out(page)
    await pay(page)


@pytest.mark.parametrize("wrong_ms", [HOUR_MS, -HOUR_MS], ids=["ahead", "behind"])
async def test_a_device_whose_clock_is_wrong_counts_down_rightly(shop, page, wrong_ms):
    event = await shop.event(paid=True, hold_ttl_s=300)
    await page.clock.set_system_time(time.time() + wrong_ms / 1_000)
    await open_event(page, event)
    await choose(page, "A-1")
    countdown = page.get_by_test_id("hold-countdown")
    await expect(countdown).to_contain_text(re.compile(r"\b[45]:\d\d"))
    await page.reload()
    await expect(countdown).to_contain_text(re.compile(r"\b[45]:\d\d"))
    await check_out(page)
    await pay(page)


async def test_a_purchase_with_storage_blocked(shop, page):
    await page.add_init_script(BLOCKED)
    event = await shop.event(paid=True)
    await open_event(page, event)
    await choose(page, "A-1")
    await check_out(page)
    await page.get_by_test_id("gateway-pay").click()
    # Who keeps nothing is nobody after another page: the order says how to open it.
    await page.wait_for_url(ORDER)
    status = page.get_by_test_id("order-status")
    await expect(status.or_(page.get_by_test_id("sign-in")).first).to_be_visible()


async def test_two_tabs_show_one_hold_and_make_one_order(shop, page):
    event = await shop.event(paid=True)
    await open_event(page, event)
    await choose(page, "A-1")
    other = await page.context.new_page()
    await open_event(other, event)
    await holds(other, "A-1")
    await seat(other, "A-2").click()
    await holds(other, "A-1", "A-2")
    await holds(page, "A-1", "A-2")
    await check_out(page)
    await pay(page)
    await expect(other.get_by_test_id("hold-countdown")).to_be_hidden()
    await expect_seat(other, "A-1", "booked")


async def test_a_closed_tab_costs_nothing(shop, page):
    event = await shop.event(paid=True)
    await open_event(page, event)
    await choose(page, "A-1")
    context = page.context
    await page.close()
    again = await context.new_page()
    await open_event(again, event)
    await holds(again, "A-1")
    await check_out(again)
    await pay(again)


async def test_the_back_button_at_every_step(shop, page):
    event = await shop.event(paid=True, name="To and fro")
    await page.goto("/")
    await page.get_by_test_id("event-card").filter(has_text="To and fro").click()
    await choose(page, "A-1")
    # To the list, and back: what is held is held.
    await page.go_back()
    await expect(page.get_by_test_id("event-card").first).to_be_visible()
    await page.go_forward()
    await holds(page, "A-1")
    await page.get_by_test_id("checkout").click()
    await page.get_by_test_id("buyer-email").fill(EMAIL)
    await page.get_by_test_id("buyer-name").fill(NAME)
    await page.get_by_test_id("pay").click()
    await page.wait_for_url("**/pay/**")
    # From the provider back: the order, never the form that would make a second one.
    await page.go_back()
    await expect(page.get_by_test_id("order-status")).to_be_visible()
    await page.get_by_test_id("pay").click()
    await page.wait_for_url("**/pay/**")
    await pay(page)
    assert len(await codes_on(page)) == 1
    # And from the order: nowhere is anything to be paid again.
    await page.go_back()
    await page.go_forward()
    await expect_confirmed(page)
    listed = await shop.api.good(
        "GET", f"/v1/events/{event}/orders", who=shop.api.admin
    )
    assert [one["status"] for one in listed["items"]] == ["confirmed"]
